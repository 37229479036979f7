from datetime import UTC, datetime

from tools.logs.multiline import Continuations
from tools.logs.records import RecordParser


def heads(text: str) -> list[str]:
    """The lines that begin a record."""
    parser = RecordParser(datetime(2025, 1, 2, tzinfo=UTC))
    continuations = Continuations()
    return [
        line for line in text.splitlines() if not continuations.absorbs(line, parser.parse(line))
    ]


def test_python_traceback_keeps_its_exception_line() -> None:
    log = """2025-01-02 03:04:05 ERROR request failed
Traceback (most recent call last):
  File "app.py", line 3, in run
    raise ValueError("error in x")
ValueError: bad value
2025-01-02 03:04:06 INFO next"""
    assert heads(log) == [
        "2025-01-02 03:04:05 ERROR request failed",
        "ValueError: bad value",
        "2025-01-02 03:04:06 INFO next",
    ]


def test_java_stack_keeps_its_causes() -> None:
    log = """2025-01-02 03:04:05 ERROR boom
java.lang.IllegalStateException: no pool
\tat com.example.Pool.get(Pool.java:12)
Caused by: java.net.ConnectException: refused
\tat java.net.Socket.connect(Socket.java:1)
\t... 3 more"""
    assert heads(log) == [
        "2025-01-02 03:04:05 ERROR boom",
        "java.lang.IllegalStateException: no pool",
        "Caused by: java.net.ConnectException: refused",
    ]


def test_go_panic_frames_are_absorbed() -> None:
    log = """2025-01-02 03:04:05 starting
panic: nil map
goroutine 1 [running]:
main.run(0x1)
\t/src/main.go:12 +0x1d
2025-01-02 03:04:06 exit"""
    assert heads(log) == [
        "2025-01-02 03:04:05 starting",
        "panic: nil map",
        "2025-01-02 03:04:06 exit",
    ]


def test_indented_detail_follows_its_record_but_trouble_stands_alone() -> None:
    log = """2025-01-02 03:04:05 INFO options
  workers = 4
    could not resolve host db"""
    assert heads(log) == ["2025-01-02 03:04:05 INFO options", "    could not resolve host db"]


def test_indented_lines_of_a_log_without_times_are_lines() -> None:
    assert heads("  one\n  two") == ["  one", "  two"]
