"""What fills the folder: the largest files, with their sizes."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Show the 5 largest files below the folder data, including all subfolders. Print one line per file,
the largest first: the size in bytes, a space, and the path.
"""


def setup(place: Place) -> None:
    place.write("data/dump 2026-03-01.sql", b"a" * 90_000)
    place.write("data/cache/big.bin", b"b" * 120_001)
    place.write("data/cache/deep/er/core.1234", b"c" * 300_000)
    place.write("data/old/log.1", b"d" * 9_000)
    place.write("data/old/log.2", b"e" * 10_000)
    place.write("data/.hidden.swp", b"f" * 50_000)
    place.write("data/small", b"g" * 999)
    place.write("data/empty")
    place.write("elsewhere.bin", b"h" * 500_000)


def check(after: Outcome) -> None:
    found = [tuple(line.split(" ", 1)) for line in after.lines]
    assert [size for size, *_ in found] == ["300000", "120001", "90000", "50000", "10000"], found
    names = [path.rsplit("/", 1)[-1] for _, path in found]
    assert names == ["core.1234", "big.bin", "dump 2026-03-01.sql", ".hidden.swp", "log.2"], names


REFERENCE = "find data -type f -printf '%s %p\\n' | sort -rn | head -n 5"

WRONG = (
    "find data -type f -printf '%s %p\\n' | sort -r | head -n 5",
    "ls -lS data | tail -n +2 | head -n 5 | awk '{print $5, $9}'",
    "du -ab data | sort -rn | head -n 5",
)
