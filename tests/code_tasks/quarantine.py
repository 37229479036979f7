"""Scripts where there should be none."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Move every executable file (execute permission for the owner) and every file ending in .php below
the folder uploads into the folder quarantine, keeping the relative path: uploads/a/x.php becomes
quarantine/a/x.php. Take the execute permission away from what was moved. Everything else stays
where it is.
"""


def setup(place: Place) -> None:
    place.write("uploads/photo.jpg", "1")
    place.write("uploads/shell.php", "2")
    place.write("uploads/2026/03/my tool", "3", mode=0o755)
    place.write("uploads/2026/x.php.txt", "4")
    place.write("uploads/2026/a/shell.php", "5", mode=0o755)
    place.write("tools/run.sh", "6", mode=0o755)


def check(after: Outcome) -> None:
    moved = {"shell.php": b"2", "2026/03/my tool": b"3", "2026/a/shell.php": b"5"}
    for name, content in moved.items():
        after.removed(f"uploads/{name}")
        assert after.files.get(f"quarantine/{name}") == content, f"quarantine/{name} is not there"
        mode = (after.folder / "quarantine" / name).stat().st_mode
        assert not mode & 0o111, f"quarantine/{name} can be executed"
    after.kept("uploads/photo.jpg", "uploads/2026/x.php.txt", "tools/run.sh")
    assert (after.folder / "tools/run.sh").stat().st_mode & 0o100, "tools/run.sh was changed"


REFERENCE = """
cd uploads || exit 1
find . -type f \\( -perm -u+x -o -name '*.php' \\) -print0 | while IFS= read -r -d '' path; do
  mkdir -p "../quarantine/$(dirname "$path")"
  mv -- "$path" "../quarantine/$path"
  chmod a-x "../quarantine/$path"
done
"""

WRONG = (
    """
mkdir -p quarantine
find uploads -type f \\( -perm -u+x -o -name '*.php' \\) -exec mv {} quarantine/ \\;
chmod -x quarantine/*
""",
    """
mkdir quarantine
cp -r uploads/. quarantine
find uploads -name '*.php' -delete
chmod -R a-x quarantine
""",
)
