"""Whom to look at first: busy processes of one user."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
ps.txt has the output of "ps aux". Print the PIDs of the processes of the user app that use more
than 50% CPU, one per line, in ascending order.
"""


def setup(place: Place) -> None:
    place.write(
        "ps.txt",
        "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
        "root           1  0.0  0.1  16788  9500 ?        Ss   Feb27   0:04 /sbin/init\n"
        "app         2310 97.3  4.0 900000 90000 ?        Rl   10:01  55:10 java -jar shop.jar\n"
        "app          912 50.1  1.0 400000 20000 ?        R    10:00   9:10 python3 worker.py app\n"
        "root        3000 99.9  0.0  10000  1000 ?        R    10:02   9:59 app --user app\n"
        "app         2311 50.0  1.0 400000 20000 ?        S    10:00   9:10 python3 worker.py\n"
        "apprunner   4000 88.0  1.0 400000 20000 ?        S    10:00   9:10 runner\n"
        "app         4100  6.1 71.0 400000 20000 ?        S    10:00   9:10 cache\n"
        "app         5001  100  1.0 400000 20000 ?        R    10:00   9:10 spin",
    )


def check(after: Outcome) -> None:
    after.said(["912", "2310", "5001"])


REFERENCE = """
awk '$1 == "app" && $3 > 50 { print $2 }' ps.txt | sort -n
"""

WRONG = (
    "grep app ps.txt | awk '$3 > 50 {print $2}' | sort -n",
    "ps aux | awk '$1 == \"app\" && $3 > 50 {print $2}' | sort -n",
    "awk '$1 == \"app\" && $3 > 50 {print $2}' ps.txt",
)
