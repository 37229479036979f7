"""Which endpoints are slow for the unlucky ones: the 95th percentile."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
requests.csv has the header path,duration_ms and one line per request. For each path compute the
95th percentile of the duration (nearest rank: sort the n values ascending and take the one at
position ceil(0.95 * n)). Print the 2 paths with the highest value, the highest first, as "path
value".
"""


def setup(place: Place) -> None:
    durations = {
        "/login": [20 + n for n in range(20)] + [9000],
        "/search": [100 * n for n in range(1, 41)],
        "/pay": [950, 70, 1200],
        "/health": [1] * 95 + [5000] * 5,
    }
    lines = [f"{path},{value}" for path, values in durations.items() for value in values]
    # Neither by path nor by duration.
    lines.sort(key=lambda line: line[::-1])
    place.write("requests.csv", "path,duration_ms\n" + "\n".join(lines))


def check(after: Outcome) -> None:
    after.said(["/search 3800", "/pay 1200"])


REFERENCE = """
tail -n +2 requests.csv | sort -t, -k1,1 -k2,2n | awk -F, '
  function flush() { if (n) { rank = int((95 * n + 99) / 100); print path, value[rank] } }
  $1 != path { flush(); path = $1; n = 0 }
  { value[++n] = $2 }
  END { flush() }' | sort -k2,2 -rn | head -n 2
"""

WRONG = (
    """
tail -n +2 requests.csv | awk -F, '{s[$1]+=$2
n[$1]++} END {for (p in s) print p, s[p]/n[p]}' | sort -k2 -rn | head -2
""",
    """
tail -n +2 requests.csv |
  awk -F, '$2 > m[$1] {m[$1]=$2} END {for (p in m) print p, m[p]}' |
  sort -k2 -rn |
  head -2
""",
)
