"""What crashed uploads leave behind."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Delete all empty files below the folder spool, in subfolders too. Keep the folders even when they
are empty. At the end print how many files were deleted, only the number.
"""


def setup(place: Place) -> None:
    for name in ("a.tmp", "with space.tmp", "in/b.tmp", "in/.part", "in/deeper/-rf"):
        place.write(f"spool/{name}")
    place.write("spool/full.tmp", "x")
    place.write("spool/newline", "\n")
    place.write("keep.tmp")
    place.folders("spool/empty folder")


def check(after: Outcome) -> None:
    after.only("spool/full.tmp", "spool/newline", "keep.tmp")
    for name in ("spool/empty folder", "spool/in/deeper"):
        assert (after.folder / name).is_dir(), f"the folder {name} is gone"
    after.said(["5"])


REFERENCE = "find spool -type f -empty -print -delete | wc -l"

WRONG = (
    "find spool -empty -print -delete | wc -l",
    'n=0; for f in spool/*; do [ -s "$f" ] || { rm "$f"; n=$((n+1)); }; done; echo $n',
)
