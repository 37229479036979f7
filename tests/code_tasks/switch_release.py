"""Go to the newest release, with the way back kept."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The folder releases has one folder per release, named by its date like 2026-03-01. The symbolic
link current points to the release in use. Make the link previous point to where current points
now, and then current to the newest release. Both are relative links like releases/2026-03-01.
"""


def setup(place: Place) -> None:
    for name in ("2025-12-30", "2026-01-15", "2026-02-20", "2026-02-03"):
        place.write(f"releases/{name}/version", name)
    place.write("releases/readme.txt", "zzz")
    place.link("current", "releases/2026-01-15")
    place.link("previous", "releases/2025-12-30")


def check(after: Outcome) -> None:
    for name, release in (("current", "2026-02-20"), ("previous", "2026-01-15")):
        path = after.folder / name
        assert path.is_symlink(), f"{name} is no link"
        target = str(path.readlink())
        assert target.removeprefix("./") == f"releases/{release}", f"{name} points to {target}"
    files = {name for name in after.files if name.startswith("releases/")}
    assert files == {name for name in after.before if name.startswith("releases/")}, sorted(files)


REFERENCE = """
set -e
newest=$(find releases -mindepth 1 -maxdepth 1 -type d -name '[0-9]*' | sort | tail -n 1)
ln -sfn "$(readlink current)" previous
ln -sfn "$newest" current
"""

WRONG = (
    "ln -sf $(readlink current) previous; ln -sf releases/$(ls releases | tail -1) current",
    """
n=$(ls -d releases/2*/ | sort | tail -1)
ln -sfn "$n" current
ln -sfn $(readlink current) previous
""",
)
