from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.logs.reader import LogLine
from tools.logs.records import Level
from tools.logs.sightings import (
    MAX_LINE_CHARS,
    MAX_SERVICES,
    MAX_SIGHTINGS,
    Sighting,
    Sightings,
    templates_of,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def counted(lines: Iterable[str]) -> Sightings:
    sightings = Sightings(NOW)
    for number, text in enumerate(lines, 1):
        sightings.add(LogLine(Path("app.log"), number, text, False))
    return sightings


def seen(lines: Iterable[str]) -> list[Sighting]:
    """The sightings of a log that names no service."""
    (sightings,) = counted(lines).by_service("app").values()
    return sightings


def texts(lines: Iterable[LogLine]) -> list[str]:
    return [line.text for line in lines]


def test_a_template_knows_how_often_when_and_where_it_was_seen() -> None:
    (one,) = seen(
        [
            "2025-01-02 03:00:00 ERROR no route to 10.0.0.1",
            "2025-01-02 03:00:09 ERROR no route to 10.0.0.1",
            "2025-01-02 03:00:05 ERROR no route to 10.0.0.2",
        ]
    )
    assert (one.template, one.level, one.count) == ("no route to <host>", Level.ERROR, 3)
    assert one.first_time == datetime(2025, 1, 2, 3, 0, 0, tzinfo=UTC)
    assert one.last_time == datetime(2025, 1, 2, 3, 0, 9, tzinfo=UTC)
    assert (one.first.line.number, one.last.line.number) == (1, 3)
    assert one.other is not None
    assert one.other.line.number == 3, "line 2 says the same as line 1"


def test_a_line_without_a_time_is_as_old_as_the_one_before() -> None:
    lines = ["2025-01-02 03:00:00 INFO up", "peer 7 is gone"]
    assert seen(lines)[1].first_time == datetime(2025, 1, 2, 3, tzinfo=UTC)


def test_merged_templates_add_up() -> None:
    names = ["ann", "bob", "cy", "dee", "eve"]
    lines = [f"2025-01-02 03:00:0{n} INFO login of user={name}" for n, name in enumerate(names)]
    (one,) = seen([*lines, lines[0]])
    assert (one.template, one.count) == ("login of user=<*>", 6)
    assert one.last_time == datetime(2025, 1, 2, 3, 0, 4, tzinfo=UTC)
    assert (one.first.line.number, one.last.line.number) == (1, 6)
    assert one.other is not None
    assert one.other.message == "login of user=bob"
    (one,) = seen(lines)
    assert one.last.line.number == 5


PYTHON_TRACE = [
    "Traceback (most recent call last):",
    '  File "/app/pay.py", line 31, in charge',
    "    raise Declined(card)",
    "pay.Declined: card 4711",
]


def test_a_python_traceback_is_whole_for_its_exception_and_for_the_line_above() -> None:
    lines = [
        "2025-01-02 03:00:00 ERROR charge failed",
        *PYTHON_TRACE,
        "2025-01-02 03:00:01 INFO up",
    ]
    failed, declined, up = seen(lines)
    assert texts(failed.first.lines) == lines[:5]
    assert texts(declined.first.lines) == PYTHON_TRACE
    assert declined.template == "pay.Declined: card <n>"
    assert texts(up.first.lines) == lines[5:]


def test_a_log_may_begin_with_a_traceback() -> None:
    (declined,) = seen(PYTHON_TRACE)
    assert texts(declined.first.lines) == PYTHON_TRACE


def test_a_java_trace_stays_below_its_exception() -> None:
    trace = [
        "java.lang.IllegalStateException: closed",
        "\tat a.B.c(B.java:1)",
        "\tat a.D.e(D.java:2)",
    ]
    failed, thrown = seen(["2025-01-02 03:00:00 ERROR cannot write", *trace])
    assert texts(failed.first.lines) == ["2025-01-02 03:00:00 ERROR cannot write"]
    assert texts(thrown.first.lines) == trace


def test_a_traceback_without_an_exception_belongs_to_nothing_later() -> None:
    ended = ["2025-01-02 03:00:01 INFO up", "peer is gone"]
    _, *later = seen(["2025-01-02 03:00:00 ERROR bad", *PYTHON_TRACE[:3], *ended])
    assert [texts(one.first.lines) for one in later] == [[line] for line in ended]


def test_long_lines_and_long_traces_are_cut() -> None:
    frames = [f'  File "a.py", line {n}, in f' for n in range(500)]
    failed, thrown = seen(["E" * 9000, PYTHON_TRACE[0], *frames, "ValueError: x"])
    assert len(failed.first.line.text) == len(failed.first.message) == MAX_LINE_CHARS
    assert failed.first.line.is_cut
    assert len(failed.first.lines) < 30
    assert len(thrown.first.lines) < 30
    assert texts(thrown.first.lines)[-2:] == [frames[-1], "ValueError: x"]


@pytest.mark.parametrize(
    ("line", "service"),
    [
        ("Jan  1 03:00:00 web1 sshd[31]: session opened", "sshd"),
        ("Jan  1 03:00:00 web1 sshd(pam_unix)[31]: session opened", "sshd"),
        ('{"time": "2025-01-01T03:00:00Z", "service": "checkout", "msg": "up"}', "checkout"),
        ('time=2025-01-01T03:00:00Z level=info logger=a.b.Pool msg="up"', "a.b.Pool"),
        ('ts=2025-01-01T03:00:00Z caller=db.go:31 msg="up"', "app"),
        ("I0101 03:00:00.000000 1 reflector.go:205] listed", "app"),
        ('{"time": "2025-01-01T03:00:00Z", "name": "Ann of Sales", "msg": "up"}', "app"),
        ("2025-01-01 03:00:00 INFO up", "app"),
    ],
)
def test_the_service_that_a_line_names(line: str, service: str) -> None:
    assert list(counted([line]).by_service("app")) == [service]


def named(service: str, message: str) -> str:
    return f'{{"service": "{service}", "msg": "{message}"}}'


def test_services_are_counted_apart() -> None:
    lines = [named("cart", "up"), named("pay", "up"), named("cart", "up")]
    by_service = counted(lines).by_service("app")
    assert {name: [one.count for one in ones] for name, ones in by_service.items()} == {
        "cart": [2],
        "pay": [1],
    }


def test_only_the_most_frequent_services_are_told_apart() -> None:
    frequent = [named(f"s{n}", "up") for n in range(MAX_SERVICES)]
    rare = [named(f"r{n}", "up") for n in range(7)]
    by_service = counted([*rare, *frequent, *frequent]).by_service("app")
    assert set(by_service) == {"app", *(f"s{n}" for n in range(MAX_SERVICES))}
    (joined,) = by_service["app"]
    assert joined.count == 7


def test_where_new_services_never_end_later_ones_are_no_longer_told_apart() -> None:
    endless = [named(f"s{n}", "up") for n in range(MAX_SIGHTINGS)]
    by_service = counted([*endless, *[named("late", "up")] * 10]).by_service("app")
    assert "late" not in by_service
    assert sum(one.count for ones in by_service.values() for one in ones) == MAX_SIGHTINGS + 10


@pytest.mark.parametrize(
    ("text", "templates"),
    [
        ("2025-01-01 03:00:00,123 ERROR no route to 10.0.0.1:80", ["no route to <host>"]),
        (
            "Jan  1 03:00:00 web1 sshd[31]: Failed password from 1.2.3.4",
            ["Failed password from <host>"],
        ),
        (
            '{"time": "2025-01-01T03:00:00Z", "level": "error", "msg": "lost 3 of 9"}',
            ["lost <n> of <n>"],
        ),
        (
            '{"msg": "failed", "error": "dial tcp 1.2.3.4:5: refused"}',
            ["failed error=dial tcp <host>: refused"],
        ),
        (
            '1.2.3.4 - - [01/Jan/2025:03:00:00 +0000] "GET /a/7 HTTP/1.1" 502 9',
            ["GET /a/<n> HTTP/<n> <n>"],
        ),
        ("\r\n".join(PYTHON_TRACE), ["pay.Declined: card <n>"]),
        ("job 1 ended\r\njob 2 ended\r\njob 3 failed\r\n", ["job <n> ended", "job <n> failed"]),
        ("", []),
    ],
)
def test_templates_of(text: str, templates: list[str]) -> None:
    assert templates_of(text) == templates
