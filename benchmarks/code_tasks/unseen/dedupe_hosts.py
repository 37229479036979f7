"""A list that has grown repeats."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Some names are in hosts.list more than once. Throw the repeats out of the file itself, but leave
the order as it is.
"""


def setup(place: Place) -> None:
    place.write(
        "hosts.list",
        "web10\nweb1\ndb1\nweb1\ncache2\nweb10\nweb2\nweb2\ndb1\ncache1\nweb1\nadmin\n",
    )


def check(after: Outcome) -> None:
    expected = ["web10", "web1", "db1", "cache2", "web2", "cache1", "admin"]
    found = after.read_lines("hosts.list")
    assert found == expected, f"hosts.list has {found}"


REFERENCE = """
awk '!seen[$0]++' hosts.list > hosts.list.new && mv hosts.list.new hosts.list
"""

WRONG = (
    "sort -u -o hosts.list hosts.list",
    "uniq hosts.list > t && mv t hosts.list",
    "awk '!seen[$0]++' hosts.list",
    "awk '!seen[$0]++' hosts.list > hosts.list",
)
