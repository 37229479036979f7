"""Whose machines woke somebody up."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
hosts.csv has host,team,env and alerts.csv has time,host,severity, both with a header. How many
critical alerts did each team get on its prod hosts? Print the team and the count, the highest count
first.
"""

_COUNTS = {"platform": 4, "payments": 3, "search": 1}


def setup(place: Place) -> None:
    place.write(
        "hosts.csv",
        "host,team,env\n"
        "web-1,payments,prod\n"
        "web-10,search,prod\n"
        "web-2,payments,stage\n"
        "db-1,platform,prod\n"
        "db-2,platform,prod\n"
        "ci-1,tooling,stage\n"
        "cache-1,search,stage\n"
        "mail-1,tooling,prod\n",
    )
    alerts = (
        ("db-1", "critical"),
        ("web-1", "critical"),
        ("web-1", "warning"),
        ("web-2", "critical"),
        ("db-2", "critical"),
        ("ci-1", "critical"),
        ("web-10", "critical"),
        ("db-1", "critical"),
        ("cache-1", "critical"),
        ("cache-1", "critical"),
        ("cache-1", "critical"),
        ("cache-1", "critical"),
        ("web-1", "critical"),
        ("mail-1", "warning"),
        ("gone-1", "critical"),
        ("web-1", "critical"),
        ("db-2", "critical"),
        ("web-10", "info"),
    )
    lines = [
        f"2024-03-11T02:{minute:02}:00,{host},{severity}\n"
        for minute, (host, severity) in enumerate(alerts)
    ]
    place.write("alerts.csv", "time,host,severity\n" + "".join(lines))


def check(after: Outcome) -> None:
    found = []
    for line in after.lines:
        counts = [int(number) for number in re.findall(r"\d+", line)]
        teams = [team for team in (*_COUNTS, "tooling") if re.search(rf"\b{team}\b", line)]
        # A team without any may be left out or be given its zero.
        if teams and counts and (teams, counts) != (["tooling"], [0]):
            found.append((*teams, *counts))
    assert found == list(_COUNTS.items()), f"it found {found}"


REFERENCE = """
awk -F, '
  FNR == 1 { next }
  NR == FNR { if ($3 == "prod") team[$1] = $2; next }
  $3 == "critical" && $2 in team { count[team[$2]]++ }
  END { for (name in count) print name, count[name] }
' hosts.csv alerts.csv | sort -k2,2nr
"""

WRONG = (
    'awk -F, \'NR == FNR { t[$1] = $2; next } $3 == "critical" && $2 in t { c[t[$2]]++ } '
    "END { for (n in c) print n, c[n] }' hosts.csv alerts.csv | sort -k2,2nr",
    'awk -F, \'NR == FNR { if ($3 == "prod") t[$1] = $2; next } $2 in t { c[t[$2]]++ } '
    "END { for (n in c) print n, c[n] }' hosts.csv alerts.csv | sort -k2,2nr",
    'awk -F, \'NR == FNR { if ($3 == "prod") t[$1] = $2; next } '
    '$3 == "critical" && $2 in t { c[t[$2]]++ } '
    "END { for (n in c) print n, c[n] }' hosts.csv alerts.csv | sort -k2,2n",
    "for t in $(awk -F, '$3 == \"prod\" { print $2 }' hosts.csv | sort -u); do n=0\n"
    "  for h in $(awk -F, -v t=$t '$2 == t && $3 == \"prod\" { print $1 }' hosts.csv); do\n"
    "    n=$((n + $(grep critical alerts.csv | grep -c $h)))\n  done\n  echo $t $n\n"
    "done | sort -k2,2nr",
    "grep critical alerts.csv | cut -d, -f2 | sort | uniq -c | sort -rn",
)
