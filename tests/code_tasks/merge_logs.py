"""One story out of several logs."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Merge the files a.log, b.log and c.log into merged.log, with all lines in order of their time.
Every line begins with a time like 2026-03-01T10:00:00Z, and each file is in order already.
"""


def setup(place: Place) -> None:
    place.write(
        "a.log",
        "2026-03-01T10:00:00Z a one\n2026-03-01T10:00:05Z a two\n2026-03-01T12:00:00Z a three",
    )
    place.write(
        "b.log",
        "2026-03-01T09:59:59Z b one\n2026-03-01T10:00:04Z b two\n2026-03-01T10:00:06Z b three",
    )
    place.write("c.log", "2026-02-28T23:59:59Z c one\n2026-03-01T10:00:01Z c two\n")


def check(after: Outcome) -> None:
    lines = [
        line
        for name in ("a.log", "b.log", "c.log")
        for line in after.before[name].decode().splitlines()
    ]
    assert after.read_lines("merged.log") == sorted(lines), (
        f"merged.log is {after.read('merged.log')!r}"
    )
    after.kept("a.log", "b.log", "c.log")


REFERENCE = "sort -m -k1,1 a.log b.log c.log > merged.log"

WRONG = (
    "cat a.log b.log c.log > merged.log",
    "cat a.log b.log c.log | sort > merged.log",
)
