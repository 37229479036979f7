import json
from datetime import UTC, datetime

import pytest

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


def test_the_brackets_of_a_pretty_printed_object_follow_its_record() -> None:
    log = """2025-01-02 03:04:05 INFO options {
  "workers": 4,
  "hosts": [
    "a"
  ]
}
2025-01-02 03:04:06 INFO next"""
    assert heads(log) == ["2025-01-02 03:04:05 INFO options {", "2025-01-02 03:04:06 INFO next"]
    assert heads("{\n}") == ["{", "}"]


def test_chained_python_traces_keep_their_exceptions() -> None:
    log = """2025-01-02 03:04:05 ERROR request failed
Traceback (most recent call last):
  File "app.py", line 3, in run
    connect()
    ~~~~~~~^^
ConnectionError: refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in run
    raise Broken from None
  [Previous line repeated 9 more times]
Broken: no pool"""
    lines = "\n".join(line for line in log.splitlines() if line)
    assert heads(lines) == [
        "2025-01-02 03:04:05 ERROR request failed",
        "ConnectionError: refused",
        "Broken: no pool",
    ]


def test_node_and_dotnet_frames_are_absorbed() -> None:
    log = """2025-01-02 03:04:05 ERROR request failed
TypeError: x is not a function
    at run (/app/server.js:10:5)
    at async main (node:internal/main:1:1) {
  code: 'ERR_BAD'
}
System.InvalidOperationException: bad
   at App.Program.Main() in /src/Program.cs:line 3
   --- End of inner exception stack trace ---"""
    assert heads(log) == [
        "2025-01-02 03:04:05 ERROR request failed",
        "TypeError: x is not a function",
        "System.InvalidOperationException: bad",
    ]


def test_rust_and_native_frames_are_absorbed() -> None:
    log = """2025-01-02 03:04:05 starting
thread 'main' panicked at src/main.rs:1:5:
stack backtrace:
   0: rust_begin_unwind
             at /rustc/library/std/src/panicking.rs:1:5
   1: app::run::h0
note: run with `RUST_BACKTRACE=full` for more
#0  0x00007f in raise () from /lib/libc.so
#0 /srv/index.php(12): connect()"""
    assert heads(log) == [
        "2025-01-02 03:04:05 starting",
        "thread 'main' panicked at src/main.rs:1:5:",
    ]


def test_a_go_crash_keeps_its_goroutines_together() -> None:
    log = """2025-01-02 03:04:05 starting
panic: nil map
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]
goroutine 1 [running]:
main.run(0x1)
\t/src/main.go:12 +0x1d
goroutine 7 [select, 2 minutes]:
created by main.main in goroutine 1
\t/src/main.go:7 +0x2
exit status 2"""
    assert heads(log) == [
        "2025-01-02 03:04:05 starting",
        "panic: nil map",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]",
    ]


def test_sql_follows_the_statement_that_it_is() -> None:
    log = """2025-01-02 03:04:05.123 UTC [7] ERROR:  relation "errors" does not exist
2025-01-02 03:04:05.123 UTC [7] DETAIL:  It was dropped.
2025-01-02 03:04:05.123 UTC [7] STATEMENT:  SELECT *
\tFROM errors
\tWHERE failed
2025-01-02 03:04:05.124 UTC [9] LOG:  duration: 812.1 ms  statement: SELECT 1
\tFROM errors"""
    assert heads(log) == [
        '2025-01-02 03:04:05.123 UTC [7] ERROR:  relation "errors" does not exist',
        "2025-01-02 03:04:05.123 UTC [7] DETAIL:  It was dropped.",
        "2025-01-02 03:04:05.124 UTC [9] LOG:  duration: 812.1 ms  statement: SELECT 1",
    ]


def test_the_statement_of_another_process_stands_alone() -> None:
    log = """2025-01-02 03:04:05.123 UTC [7] ERROR:  no
2025-01-02 03:04:05.123 UTC [8] STATEMENT:  SELECT 1"""
    assert heads(log) == log.splitlines()


RUNTIMES = [
    "2025-01-02T03:04:05.123456789Z stderr F ",
    "2025-01-02T03:04:05.123456789Z ",
    "Jan  2 03:04:05 web app[7]: ",
]
TRACE = [
    "ERROR request failed",
    "Traceback (most recent call last):",
    '  File "app.py", line 3, in run',
    '    raise ValueError("error in x")',
    "ValueError: bad value",
    "next",
    "  an indented line",
]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_traces_of_which_every_line_is_stamped(runtime: str) -> None:
    log = [runtime + line for line in TRACE]
    assert heads("\n".join(log)) == [log[0], log[4], log[5], log[6]]


def test_a_trace_in_docker_s_json_file() -> None:
    log = [
        json.dumps({"log": line + "\n", "stream": "stderr", "time": "2025-01-02T03:04:05Z"})
        for line in TRACE
    ]
    assert heads("\n".join(log)) == [log[0], log[4], log[5], log[6]]


def test_traces_of_two_processes_in_one_file() -> None:
    def line(pid: int, text: str) -> str:
        return f"Jan  2 03:04:05 web app[{pid}]: {text}"

    log = [
        line(7, "request failed"),
        line(7, "Traceback (most recent call last):"),
        line(8, "ready"),
        line(7, '  File "app.py", line 3, in run'),
        line(8, "  indented, but of no trace"),
        line(7, '    raise ValueError("error in x")'),
        line(8, "done"),
        line(7, "ValueError: bad value"),
        line(7, "    after the trace"),
    ]
    assert heads("\n".join(log)) == [log[0], log[2], log[4], log[6], log[7], log[8]]
