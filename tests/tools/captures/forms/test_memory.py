import pytest

from tools.captures import parse

HEADER = "               total        used        free      shared  buff/cache   available\n"
HEALTHY = HEADER + (
    "Mem:           24105        5876       15651           3        2955       18229\n"
    "Swap:           2047          12        2035\n"
)
SPENT = HEADER + (
    "Mem:            7.7Gi       7.4Gi        95Mi       1.0Mi       200Mi       120Mi\n"
    "Swap:           2.0Gi       2.0Gi          0B\n"
)
NO_SWAP = HEADER + (
    "Mem:           24105        5876       15651           3        2955       18229\n"
    "Swap:              0           0           0\n"
)


@pytest.mark.parametrize("text", [HEALTHY, NO_SWAP])
def test_enough_memory_is_no_finding(text: str) -> None:
    assert parse(text) == []


def test_spent_memory_and_full_swap() -> None:
    memory, swap = parse(SPENT)
    assert (memory.line, memory.note) == (2, "2 % of the memory is available (120Mi of 7.7Gi)")
    assert memory.suspicion >= 0.9
    assert (swap.line, swap.note) == (3, "100 % of the swap space is used (2.0Gi of 2.0Gi)")


def test_cached_memory_is_available() -> None:
    row = "Mem:  8000  7900  20  1  6000  5000\n"
    assert parse(HEADER + row) == []


def test_the_kernels_own_list() -> None:
    text = (
        "MemTotal:  8000000 kB\nMemFree:  100 kB\nMemAvailable:  80000 kB\nInactive(anon): 5 kB\n"
    )
    (found,) = parse(text)
    assert found.note == "1 % of the memory is available (78 of 7,812 MiB)"
    assert parse(text.replace("80000 kB", "4000000 kB")) == []
