"""Which tenant fills the disk."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
For each folder directly below tenants, sum the sizes in bytes of all files in it, subfolders
included (the sizes of the files' contents, not the disk blocks). Print "NAME BYTES" per folder,
the largest first. A folder without files has 0.
"""


def setup(place: Place) -> None:
    place.write("tenants/acme/db/1.dat", b"x" * 70_000)
    place.write("tenants/acme/2.dat", b"x" * 31)
    place.write("tenants/globex/.cache/3.dat", b"x" * 9_000)
    place.write("tenants/initech/a b.dat", b"x" * 100_000)
    place.write("tenants/readme.txt", b"x" * 500_000)
    place.folders("tenants/umbrella")


def check(after: Outcome) -> None:
    lines = [line.removeprefix("tenants/").replace("/ ", " ") for line in after.lines]
    expected = ["initech 100000", "acme 70031", "globex 9000", "umbrella 0"]
    assert lines == expected, f"the output is {after.lines}"


REFERENCE = """
for folder in tenants/*/; do
  name=$(basename "$folder")
  bytes=$(find "$folder" -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum + 0 }')
  echo "$name $bytes"
done | sort -k2,2 -rn
"""

WRONG = (
    "du -sb tenants/* | sort -rn | awk '{print $2, $1}'",
    'cd tenants; for d in */; do echo "${d%/} $(du -sb "$d" | cut -f1)"; done | sort -k2 -rn',
)
