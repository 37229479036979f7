"""What was touched on the machine since yesterday."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Which files under etc, subfolders included, were modified during the last 24 hours? Print their
paths.
"""


def setup(place: Place) -> None:
    place.write("etc/crontab", "1", days_old=0.02)
    place.write("etc/fstab", "2", days_old=1.5)
    place.write("etc/passwd", "3", days_old=30)
    place.write("etc/nginx/nginx.conf", "4", days_old=0.5)
    place.write("etc/nginx/sites/my shop.conf", "5", days_old=0.95)
    place.write("etc/ssh/sshd_config", "6", days_old=1.1)
    place.write("etc/ssh/banner", "7", days_old=400)
    place.write("notes.txt", "8", days_old=0.1)


def check(after: Outcome) -> None:
    lines = [line.rstrip("/") for line in after.lines]
    known = [*after.before, "etc/nginx", "etc/nginx/sites", "etc/ssh"]
    named = {
        path
        for path in known
        if any(line.endswith((path, "./" + path.removeprefix("etc/"))) for line in lines)
        or path.removeprefix("etc/") in lines
    }
    expected = {"etc/crontab", "etc/nginx/nginx.conf", "etc/nginx/sites/my shop.conf"}
    assert named == expected, f"the output names {sorted(named)}"


REFERENCE = """
find etc -type f -mtime -1
"""

WRONG = (
    "find etc -mtime -1",
    "find etc -type f -mtime 1",
    "find etc -maxdepth 1 -type f -mtime -1",
    "find . -type f -mtime -1",
)
