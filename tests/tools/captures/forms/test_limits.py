import pytest

from tools.captures import parse

ULIMIT = """core file size              (blocks, -c) 0
open files                          (-n) 65536
pending signals                     (-i) 96365
max user processes                  (-u) 96365
"""
PROC = """Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            65536                65536                files
"""


@pytest.mark.parametrize("text", [ULIMIT, PROC])
def test_limits_are_a_finding_only_when_they_are_low(text: str) -> None:
    assert parse(text) == []
    (found,) = parse(text.replace("65536", "256"))
    assert found.note == "a process may hold 256 files and connections open: few"
