"""How bad is it, in percent."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Read access.log (nginx combined format) and print the share of each status class in percent with
one decimal, one line per class that occurs, in ascending order, like "2xx 97.5%".
"""


def setup(place: Place) -> None:
    statuses = ["200"] * 29 + ["204"] + ["304"] * 6 + ["404"] * 3 + ["500"]
    lines = [
        f'10.0.0.1 - - [01/Mar/2026:10:00:{n:02} +0000] "GET /{n} HTTP/1.1" {status} {n * 100} '
        '"-" "a 500 b"\n'
        for n, status in enumerate(statuses)
    ]
    place.write("access.log", "".join(lines))


def check(after: Outcome) -> None:
    after.said(["2xx 75.0%", "3xx 15.0%", "4xx 7.5%", "5xx 2.5%"])


REFERENCE = """
awk '{ count[substr($9, 1, 1)]++ }
     END { for (class in count) printf "%sxx %.1f%%\\n", class, 100 * count[class] / NR }' \\
  access.log | sort
"""

WRONG = (
    """
awk '{c[$9]++} END {for (s in c) printf "%s %.1f%%\\n", s, 100*c[s]/NR}' access.log | sort
""",
    """
awk '{c[substr($9,1,1)]++} END {for (s in c) print s "xx " int(100*c[s]/NR) "%"}' access.log |
  sort
""",
)
