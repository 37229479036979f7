"""One file for each day."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Split app.log into one file per day in the folder days, named like days/2026-03-01.log. Every line
begins with a time like "2026-03-01 10:00:00". Keep the order of the lines. Create the folder if
it is missing, and leave app.log as it is.
"""


def setup(place: Place) -> None:
    place.write(
        "app.log",
        "2026-02-28 23:59:59 last of February\n2026-03-01 00:00:00 b  two spaces\n"
        "2026-03-01 00:00:01 a\\tb 100% %s\n2026-03-02 10:00:00 see 2026-03-01\n"
        "2026-03-01 10:00:00 late\n"
        "2026-03-02 11:00:00 end",
    )


def check(after: Outcome) -> None:
    lines = after.before["app.log"].decode().splitlines()
    for day in ("2026-02-28", "2026-03-01", "2026-03-02"):
        expected = [line for line in lines if line.startswith(day)]
        found = after.read_lines(f"days/{day}.log")
        assert found == expected, f"days/{day}.log is {found}"
    after.kept("app.log")
    after.only("app.log", "days/2026-02-28.log", "days/2026-03-01.log", "days/2026-03-02.log")


REFERENCE = """
mkdir -p days
awk '{ print > ("days/" $1 ".log") }' app.log
"""

WRONG = (
    "awk '{print > $1\".log\"}' app.log",
    """
mkdir -p days
for d in $(cut -c1-10 app.log | sort -u); do
  grep $d app.log > days/$d.log
done
""",
    'mkdir -p days; while read d t m; do echo "$d $t $m" >> days/$d.log; done < app.log',
)
