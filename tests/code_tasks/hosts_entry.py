"""An entry that is there once, however often the script runs."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Make sure that the file hosts has the line "10.0.0.7 db-primary". If a line for the name
db-primary exists with another address, replace its address; if there is none, append the line.
Leave all other lines as they are; the line must not be there twice.
"""


def setup(place: Place) -> None:
    place.write(
        "hosts",
        "127.0.0.1 localhost\n10.0.0.5\tdb-primary\n10.0.0.6 db-primary-old\n"
        "# 10.0.0.1 db-primary\n10.0.0.7 cache",
    )


def check(after: Outcome) -> None:
    found = after.read_lines("hosts")
    wanted = [line for line in found if line.split() == ["10.0.0.7", "db-primary"]]
    assert len(wanted) == 1, f"hosts is {found}"
    others = [line for line in found if line.split() != ["10.0.0.7", "db-primary"]]
    expected = [
        line for line in after.before["hosts"].decode().splitlines() if "10.0.0.5" not in line
    ]
    assert others == expected, f"hosts is {found}"


REFERENCE = """
if grep -qE '^[^#[:space:]]+[[:space:]]+db-primary[[:space:]]*$' hosts; then
  sed -i -E 's/^[^#[:space:]]+[[:space:]]+db-primary[[:space:]]*$/10.0.0.7 db-primary/' hosts
else
  [ -z "$(tail -c 1 hosts)" ] || echo >> hosts
  echo "10.0.0.7 db-primary" >> hosts
fi
"""

WRONG = (
    "sed -i '/db-primary/d' hosts; echo '10.0.0.7 db-primary' >> hosts",
    "grep -q db-primary hosts || echo '10.0.0.7 db-primary' >> hosts",
    "sed -i 's/.* db-primary/10.0.0.7 db-primary/' hosts",
)
