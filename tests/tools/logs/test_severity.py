import pytest

from tools.logs.records import Level
from tools.logs.severity import effective_level, names_problem


@pytest.mark.parametrize(
    ("declared", "message", "level"),
    [
        (None, "Peer down", Level.WARN),
        (None, "connection refused by db", Level.ERROR),
        (None, "variable PORT is undefined", Level.ERROR),
        (None, "panic: nil map", Level.FATAL),
        (None, "all fine", None),
        (None, "0 errors, no failures", None),
        (None, "errors=0 failed=0 retries: 0", None),
        (None, "Health result=2 took=3", None),
        (None, "listening with --error-log", None),
        (Level.INFO, "retrying after error", Level.INFO),
        (Level.INFO, "caught java.net.ConnectException", Level.WARN),
        (Level.INFO, "process ran out of memory", Level.ERROR),
        (Level.ERROR, "java.lang.OutOfMemoryError: heap", Level.FATAL),
        (Level.DEBUG, "tick", Level.DEBUG),
    ],
)
def test_effective_level(declared: Level | None, message: str, level: Level | None) -> None:
    assert effective_level(declared, message) == level


@pytest.mark.parametrize(
    ("message", "is_problem"),
    [("requests time out after 30 seconds", True), ("served in 3 ms", False), ("error: 0", False)],
)
def test_names_problem(message: str, is_problem: bool) -> None:
    assert names_problem(message) is is_problem
