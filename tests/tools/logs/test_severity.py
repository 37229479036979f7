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


@pytest.mark.parametrize(
    "message",
    [
        'open() "/srv/favicon.ico" failed (2: No such file or directory), client: 192.0.2.7, '
        'request: "GET /favicon.ico HTTP/1.1"',
        'directory index of "/srv/" is forbidden, client: 192.0.2.7, request: "GET / HTTP/1.1"',
        "AH00128: File does not exist: /var/www/html/robots.txt",
    ],
)
def test_what_a_visitor_asks_for_in_vain_is_a_warning(message: str) -> None:
    assert effective_level(Level.ERROR, message) is Level.WARN


@pytest.mark.parametrize(
    "message",
    [
        'open() "/var/log/access.log" failed (2: No such file or directory)',
        'connect() failed (111: Connection refused), request: "GET / HTTP/1.1"',
        "config /etc/app.toml does not exist",
    ],
)
def test_what_the_server_lacks_is_an_error(message: str) -> None:
    assert effective_level(Level.ERROR, message) is Level.ERROR


def test_a_shutdown_in_good_order_is_no_trouble() -> None:
    assert effective_level(None, "gracefully shutting down") is None
    assert not names_problem("database system was shut down at 14:00")
