"""Compress what is no longer written to."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Compress every .log file in the folder logs that was not modified in the last 2 days with gzip, so
that x.log becomes x.log.gz. Leave newer .log files and files that are compressed already alone.
Do not go into subfolders.
"""


def setup(place: Place) -> None:
    place.write("logs/new.log", "new\n", days_old=0.5)
    place.write("logs/old.log", "old\n" * 50, days_old=5)
    place.write("logs/old job.log", "job\n", days_old=4)
    place.write("logs/older.log.gz", b"\x1f\x8b as it is", days_old=9)
    place.write("logs/readme.txt", "text\n", days_old=9)
    place.write("logs/archive/old.log", "below\n", days_old=9)


def check(after: Outcome) -> None:
    import gzip

    after.kept("logs/new.log", "logs/older.log.gz", "logs/readme.txt", "logs/archive/old.log")
    for name in ("logs/old.log", "logs/old job.log"):
        after.removed(name)
        assert f"{name}.gz" in after.files, f"{name}.gz is not there"
        assert gzip.decompress(after.files[f"{name}.gz"]) == after.before[name], name


REFERENCE = """
find logs -maxdepth 1 -type f -name '*.log' -mtime +1 -exec gzip -- {} +
"""

WRONG = (
    "find logs -name '*.log' -mtime +1 -exec gzip {} \\;",
    "for f in logs/*.log; do gzip $f; done",
    "find logs -maxdepth 1 -name '*.log' -mtime +1 | xargs gzip",
)
