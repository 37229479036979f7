"""Free space: rotated logs go when they are old, the newest one never."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The disk is filling up. In the folder logs, delete the rotated logs app.log.* that are older than
7 days, but always keep the most recently written one of them, even when it is old. Never touch
app.log.
"""


def setup(place: Place) -> None:
    place.write("logs/app.log", "now\n", days_old=30)
    for name, days_old in (("1", 9.5), ("2.gz", 12.0), ("3.gz", 20.0), ("10.gz", 45.0)):
        place.write(f"logs/app.log.{name}", f"{name}\n", days_old=days_old)
    place.write("logs/application.log.1", "another program\n", days_old=50)
    place.write("logs/old app.log.4", "somebody's copy\n", days_old=50)
    place.write("app.log.9", "not in logs\n", days_old=50)


def check(after: Outcome) -> None:
    after.kept("logs/app.log", "logs/app.log.1")
    after.kept("logs/application.log.1", "logs/old app.log.4", "app.log.9")
    after.removed("logs/app.log.2.gz", "logs/app.log.3.gz", "logs/app.log.10.gz")


REFERENCE = """
cd logs || exit 1
newest=$(ls -t app.log.* | head -n 1)
find . -maxdepth 1 -type f -name 'app.log.*' -mtime +7 ! -name "$newest" -delete
"""

WRONG = (
    "find logs -name 'app.log.*' -mtime +7 -delete",
    "find logs -name 'app.log*' -mtime +7 | sort | tail -n +2 | xargs rm -f",
)
