"""Who is about to run out of space."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
quota.tsv has the columns user, used MB and limit MB, tab separated, with a header line. List the
users who are at 90% of their limit or above, with the percentage.
"""

_NEAR = {"anna": 90.0, "build agent": 95.0, "carl": 124.0, "grete": 100.0}
_OTHERS = ("ben", "dora", "emil")


def setup(place: Place) -> None:
    place.write(
        "quota.tsv",
        "user\tused\tlimit\n"
        "anna\t450\t500\n"
        "ben\t899\t1000\n"
        "build agent\t1900\t2000\n"
        "carl\t620\t500\n"
        "dora\t95\t800\n"
        "emil\t0\t100\n"
        "grete\t60\t60\n",
    )


def check(after: Outcome) -> None:
    for user, percent in _NEAR.items():
        lines = [line for line in after.lines if re.search(rf"\b{user}\b", line)]
        assert len(lines) == 1, f"{user} is in {lines}"
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", lines[0])]
        assert any(abs(number - percent) < 0.51 for number in numbers), f"wrong: {lines[0]}"
    named = [user for user in _OTHERS if re.search(rf"\b{user}\b", after.stdout)]
    assert not named, f"{named} are below 90%"


REFERENCE = r"""
awk -F '\t' 'NR > 1 && $3 > 0 && $2 >= 0.9 * $3 {
  printf "%s\t%.1f%%\n", $1, 100 * $2 / $3
}' quota.tsv
"""

WRONG = (
    "awk 'NR > 1 && $2 / $3 >= 0.9 { print $1, 100 * $2 / $3 }' quota.tsv",
    "awk -F'\\t' 'NR > 1 && $2 / $3 > 0.9 { print $1, 100 * $2 / $3 }' quota.tsv",
    "awk -F'\\t' 'NR > 1 && $2 / $3 >= 0.9 { print $1 }' quota.tsv",
    "awk -F'\\t' 'NR > 1 { p = int(100 * $2 / $3 + 0.5); if (p >= 90) print $1, p }' quota.tsv",
    "awk -F'\\t' 'NR > 1 && $2 >= 90 { print $1, 100 * $2 / $3 }' quota.tsv",
)
