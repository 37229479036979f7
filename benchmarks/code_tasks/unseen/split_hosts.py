"""A list in batches."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Split hosts.txt into pieces of 10 lines, batch_01.txt, batch_02.txt and so on, in a folder batches.
"""

_HOSTS = [f"node-{number * 7 % 34 + 1}.example" for number in range(34)]


def setup(place: Place) -> None:
    place.write("hosts.txt", "\n".join(_HOSTS) + "\n")


def check(after: Outcome) -> None:
    after.only("hosts.txt", *(f"batches/batch_{number:02}.txt" for number in range(1, 5)))
    after.kept("hosts.txt")
    for number in range(4):
        name = f"batches/batch_{number + 1:02}.txt"
        expected = _HOSTS[number * 10 : number * 10 + 10]
        assert after.read_lines(name) == expected, f"{name} has other lines"


REFERENCE = """
mkdir -p batches
split -l 10 --numeric-suffixes=1 -a 2 --additional-suffix=.txt hosts.txt batches/batch_
"""

WRONG = (
    "mkdir -p batches; split -l 10 -d --additional-suffix=.txt hosts.txt batches/batch_",
    "mkdir -p batches; split -l 10 hosts.txt batches/batch_",
    "mkdir -p batches; split -n l/10 --numeric-suffixes=1 --additional-suffix=.txt hosts.txt "
    "batches/batch_",
    'mkdir -p batches; awk \'{ print > ("batches/batch_" int((NR - 1) / 10) + 1 ".txt") }\' '
    "hosts.txt",
    "split -l 10 --numeric-suffixes=1 --additional-suffix=.txt hosts.txt batch_",
    "mkdir -p batches; sort hosts.txt | "
    "split -l 10 --numeric-suffixes=1 --additional-suffix=.txt - batches/batch_",
)
