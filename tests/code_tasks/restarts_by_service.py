"""Who restarts all the time."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
journal.txt is the output of journalctl. Count for each systemd unit how often it was restarted:
lines like "systemd[1]: shop-api.service: Scheduled restart job, restart counter is at 3.". Print
"UNIT COUNT", the most restarted first, and units with the same count by name.
"""


def setup(place: Place) -> None:
    counts = {
        "shop-api.service": 3,
        "worker@2.service": 5,
        "nginx.service": 1,
        "cron-job.service": 3,
    }
    restart = "Scheduled restart job, restart counter is at"
    lines = [
        f"Mar 01 02:{n:02}:00 host systemd[1]: {unit}: {restart} {n + 7}."
        for unit, count in counts.items()
        for n in range(count)
    ]
    lines += [
        "Mar 01 03:00:00 host systemd[1]: shop-api.service: Main process exited, code=exited",
        "Mar 01 03:00:01 host systemd[1]: Started shop-api.service - Shop.",
        "Mar 01 03:00:02 host shop-api[77]: Scheduled restart job for cart",
    ]
    place.write("journal.txt", "\n".join(sorted(lines)))


def check(after: Outcome) -> None:
    expected = ["worker@2.service 5", "cron-job.service 3", "shop-api.service 3", "nginx.service 1"]
    after.said(expected)


REFERENCE = """
grep -oE 'systemd\\[1\\]: [^ ]+: Scheduled restart job' journal.txt |
  sed -E 's/^systemd\\[1\\]: ([^ ]+): .*/\\1/' | sort | uniq -c | sort -k1,1rn -k2,2 |
  awk '{ print $2, $1 }'
"""

WRONG = (
    """
grep 'Scheduled restart' journal.txt |
  awk '{print $6}' |
  sort |
  uniq -c |
  sort -rn |
  awk '{print $2, $1}'
""",
    """
grep -o '[a-z-]*\\.service' journal.txt |
  sort |
  uniq -c |
  sort -k1,1rn -k2,2 |
  awk '{print $2, $1}'
""",
)
