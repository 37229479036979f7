"""From the inventory: who is down."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
servers.csv has the columns name,ip,role,status and a header line. Print the name and the IP of
every server whose status is down, sorted by name, as "name ip", one per line.
"""


def setup(place: Place) -> None:
    place.write(
        "servers.csv",
        "name,ip,role,status\n"
        "web-2,10.0.0.12,web,down\n"
        "web-1,10.0.0.11,web,up\n"
        "db-1,10.0.1.5,db,down\n"
        "countdown-1,10.0.2.9,web,up\n"
        "cache-1,10.0.3.3,down-sampler,up\n"
        "web-10,10.0.0.20,web,down",
    )


def check(after: Outcome) -> None:
    expected = ["db-1 10.0.1.5", "web-10 10.0.0.20", "web-2 10.0.0.12"]
    assert sorted(after.lines) == expected, f"the output is {after.lines}"
    assert after.lines[0] == "db-1 10.0.1.5", "it is not sorted"


REFERENCE = """
awk -F, 'NR > 1 && $4 == "down" { print $1, $2 }' servers.csv | sort
"""

WRONG = (
    "grep down servers.csv | cut -d, -f1,2 | tr ',' ' ' | sort",
    "awk -F, '$4 == \"down\" {print $1, $2}' servers.csv",
)
