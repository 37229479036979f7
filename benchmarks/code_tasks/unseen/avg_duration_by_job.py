"""Which job is slow when it works."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
jobs.log has lines like "2024-03-11T02:00:07 job=backup host=db1 status=ok duration=12.5". For the
runs with status=ok I need the number of runs and the average duration of each job, the slowest job
first.
"""

_EXPECTED = {"report": (3, 45.0), "backup-db": (1, 20.5), "backup": (2, 13.0), "cleanup": (4, 3.0)}


def setup(place: Place) -> None:
    runs = (
        ("backup", "ok", "12.5"),
        ("cleanup", "ok", "2.5"),
        ("report", "ok", "40.0"),
        ("backup", "failed", "90.0"),
        ("reindex", "failed", "300.0"),
        ("cleanup", "ok", "3.5"),
        ("report", "ok", "50.0"),
        ("backup-db", "ok", "20.5"),
        ("cleanup", "ok", "4.0"),
        ("report", "failed", "1.0"),
        ("backup", "ok", "13.5"),
        ("cleanup", "failed", "200.0"),
        ("report", "ok", "45.0"),
        ("cleanup", "ok", "2.0"),
    )
    lines = [
        f"2024-03-11T02:{minute:02}:07 job={job} host=db{minute % 3} status={status} "
        f"duration={duration}\n"
        for minute, (job, status, duration) in enumerate(runs)
    ]
    place.write("jobs.log", "".join(lines))


def check(after: Outcome) -> None:
    found = []
    for line in after.lines:
        words = re.findall(r"[a-z]+(?:-[a-z]+)*", line)
        job = next((word for word in words if word in (*_EXPECTED, "reindex")), "")
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", line)]
        if job and numbers:
            found.append(job)
            runs, average = _EXPECTED.get(job, (0, 0.0))
            assert runs in numbers, f"{line}: there are {runs} runs"
            near = any(abs(number - average) < 0.51 for number in numbers)
            assert near, f"{line}: the average is {average}"
    assert found == list(_EXPECTED), f"the jobs are {found}"


REFERENCE = r"""
awk '
  {
    job = status = duration = ""
    for (i = 2; i <= NF; i++) {
      if ($i ~ /^job=/) job = substr($i, 5)
      if ($i ~ /^status=/) status = substr($i, 8)
      if ($i ~ /^duration=/) duration = substr($i, 10)
    }
    if (status == "ok") { runs[job]++; total[job] += duration }
  }
  END { for (job in runs) printf "%.2f %d %s\n", total[job] / runs[job], runs[job], job }
' jobs.log | sort -rn
"""

WRONG = (
    "awk -F'[ =]' '{ n[$3]++; s[$3] += $9 } END { for (j in n) print s[j] / n[j], n[j], j }' "
    "jobs.log | sort -rn",
    "awk -F'[ =]' '$7 == \"ok\" { n[$3]++; s[$3] += $9 } "
    "END { for (j in n) print s[j] / n[j], n[j], j }' jobs.log | sort -n",
    "awk -F'[ =]' '$7 == \"ok\" { n[$3]++; s[$3] += $9 } "
    "END { for (j in n) print s[j] / n[j], n[j], j }' jobs.log | sort -r",
    "awk -F'[ =]' '$7 == \"ok\" { n[$3]++; s[$3] += $9 } "
    "END { for (j in n) print s[j], n[j], j }' jobs.log | sort -rn",
    "awk '/status=ok/ { n[$2]++; s[$2] += $5 } "
    "END { for (j in n) print s[j] / n[j], n[j], j }' jobs.log | sort -rn",
)
