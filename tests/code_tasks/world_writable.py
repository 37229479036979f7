"""Files that anybody may change, put right and reported."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Find all regular files below the folder htdocs that are world-writable, take that permission
(write for others) away from them without changing any other permission, and print their paths,
one per line.
"""


def setup(place: Place) -> None:
    place.write("htdocs/index.html", "1", mode=0o644)
    place.write("htdocs/upload.php", "2", mode=0o666)
    place.write("htdocs/img/new logo.png", "3", mode=0o777)
    place.write("htdocs/img/drop", "4", mode=0o602)
    place.write("htdocs/img/group.txt", "5", mode=0o664)
    place.write("other.txt", "6", mode=0o666)
    place.link("htdocs/link.html", "index.html")


def check(after: Outcome) -> None:
    after.listed("htdocs/upload.php", "htdocs/img/new logo.png", "htdocs/img/drop")
    expected = {
        "htdocs/index.html": 0o644,
        "htdocs/upload.php": 0o664,
        "htdocs/img/new logo.png": 0o775,
        "htdocs/img/drop": 0o600,
        "htdocs/img/group.txt": 0o664,
        "other.txt": 0o666,
    }
    for name, mode in expected.items():
        found = (after.folder / name).stat().st_mode & 0o777
        assert found == mode, f"{name} has the mode {found:o}, not {mode:o}"


REFERENCE = """
find htdocs -type f -perm -o+w -print -exec chmod o-w {} \\;
"""

WRONG = (
    "find htdocs -perm 777 -type f -print -exec chmod 755 {} \\;",
    "find htdocs -type f -perm /222 -print -exec chmod o-w {} \\;",
    'find htdocs -type f -perm -002 | while read f; do echo $f; chmod 644 "$f"; done',
)
