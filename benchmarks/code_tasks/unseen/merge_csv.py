"""Parts of an export put together."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Join the CSV files in parts into a single all.csv that has the header line only once, at the top.
"""

_HEADER = "host,metric,value"
_PARTS = {
    "parts/north.csv": ["web1,cpu,12", "web1,mem,40", "db1,cpu,77"],
    "parts/south.csv": ["app9,cpu,3", "web1,cpu,12"],
    "parts/west side.csv": ["zeta,cpu,1"],
}


def setup(place: Place) -> None:
    for name, rows in _PARTS.items():
        place.write(name, "\n".join([_HEADER, *rows]) + "\n")
    place.write("parts/notes.txt", "host,metric,value\nfrom,the,vendor\n")


def check(after: Outcome) -> None:
    after.kept(*after.before)
    lines = after.read_lines("all.csv" if "all.csv" in after.files else "parts/all.csv")
    assert lines[:1] == [_HEADER], f"all.csv begins with {lines[:1]}"
    expected = sorted(row for rows in _PARTS.values() for row in rows)
    assert sorted(lines[1:]) == expected, f"all.csv goes on with {lines[1:]}"


REFERENCE = """
awk 'FNR > 1 || NR == 1' parts/*.csv > all.csv
"""

WRONG = (
    "cat parts/*.csv > all.csv",
    "tail -n +2 parts/*.csv > all.csv",
    "sort -u parts/*.csv > all.csv",
    "awk '!seen[$0]++' parts/*.csv > all.csv",
    "awk 'FNR > 1 || NR == 1' parts/* > all.csv",
)
