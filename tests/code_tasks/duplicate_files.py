"""The same dump kept twice under different names."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Find files with identical content below the folder dumps. For each group of identical files print
their paths in one line, separated by tabs and sorted within the line. Files that have no twin are
not printed. Ignore empty files.
"""


def setup(place: Place) -> None:
    place.write("dumps/a.sql", "one\n")
    place.write("dumps/copy of a.sql", "one\n")
    place.write("dumps/x/a-again.sql", "one\n")
    place.write("dumps/b.sql", "two\n")
    place.write("dumps/x/b.bak", "two\n")
    place.write("dumps/c.sql", "six\n")
    place.write("dumps/none")
    place.write("dumps/x/nothing")


def check(after: Outcome) -> None:
    groups = sorted(
        [path.removeprefix("./") for path in line.split("\t") if path]
        for line in after.stdout.splitlines()
        if line.strip()
    )
    expected = [
        ["dumps/a.sql", "dumps/copy of a.sql", "dumps/x/a-again.sql"],
        ["dumps/b.sql", "dumps/x/b.bak"],
    ]
    assert groups == expected, f"the groups are {groups}"


REFERENCE = """
find dumps -type f -size +0 -exec sha256sum {} + | LC_ALL=C sort | awk '
  { sum = substr($0, 1, 64); path = substr($0, 67) }
  sum == last { line = line "\\t" path; n++; next }
  { if (n > 1) print line; line = path; last = sum; n = 1 }
  END { if (n > 1) print line }'
"""

WRONG = (
    "find dumps -type f -exec md5sum {} + | sort | uniq -w32 -D",
    """
find dumps -type f -size +0 -exec md5sum {} + |
  sort |
  awk '{a[$1] = a[$1] "\\t" $2} END {for (k in a) print a[k]}'
""",
)
