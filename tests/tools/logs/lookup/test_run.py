from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.errors import SourceNotFound
from tools.logs.lookup.query import LogQuery, LookupAnswer
from tools.logs.lookup.run import look_up
from tools.logs.records import Level
from tools.scope import LogSource
from tools.window import Window

NOW = datetime(2026, 3, 1, 13, tzinfo=UTC)
LINES = (
    "2026-03-01 10:00:01 INFO auth: Accepted password for amy from 10.0.0.7 port 4001",
    "2026-03-01 10:00:02 WARN auth: Failed password for root from 10.0.0.9 port 4002",
    "2026-03-01 10:20:03 WARN auth: Failed password for root from 10.0.0.9 port 4003",
    "2026-03-01 11:00:04 WARN auth: Failed password for invalid user oracle from 10.0.0.8 port 41",
    "2026-03-01 11:00:05 ERROR store: cannot write block 7: disk full, took 93 ms",
    "2026-03-01 11:00:06 INFO store: wrote block 8, took 12.5 ms",
    "2026-03-01 12:00:07 INFO store: wrote block 9, took 8 ms",
    '{"time": "2026-03-01T12:30:00Z", "level": "error", "msg": "declined", "user": "bob"}',
)


@pytest.fixture
def log(tmp_path: Path) -> LogSource:
    path = tmp_path / "auth.log"
    path.write_text("\n".join(LINES) + "\n")
    return LogSource("auth", (path,))


def ask(log: LogSource, query: LogQuery, window: Window = Window()) -> LookupAnswer:  # noqa: B008
    return look_up([log], query, now=NOW, window=window)


def values(answer: LookupAnswer) -> list[tuple[str, int]]:
    return [(value.value, value.count) for value in answer.values]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        (LogQuery("count"), 8),
        (LogQuery("count", ("failed", "password")), 3),
        (LogQuery("count", ("FAILED", "root")), 2),
        # Another form of the word counts only when no line has the word itself.
        (LogQuery("count", ("failures",)), 3),
        (LogQuery("count", ("accepting",)), 1),
        (LogQuery("count", ("writes", "block")), 1),
        (LogQuery("count", ("password",), ("invalid user",)), 1),
        (LogQuery("count", literals=("Failed ... from 10.0.0.9",)), 2),
        (LogQuery("count", level=Level.WARN), 3),
        (LogQuery("count", ("block",), level=Level.ERROR), 1),
        (LogQuery("count", ("unicorn",)), 0),
        # Given up, because no line has it.
        (LogQuery("count", ("failed",), optional=("attempts", "root")), 2),
        (LogQuery("count", optional=("unicorn",)), 8),
        # Each stands in some line, and never together.
        (LogQuery("count", ("accepted", "root")), 0),
        (LogQuery("count", ("10.0.0.9",)), 2),
        (LogQuery("count", ("10.0.0",)), 4),
    ],
)
def test_lines_are_counted_exactly(log: LogSource, query: LogQuery, total: int) -> None:
    answer = ask(log, query)
    assert (answer.total, answer.searched) == (total, len(LINES))


def test_words_that_no_line_has_are_named(log: LogSource) -> None:
    assert ask(log, LogQuery("count", ("lost", "password"))).missing == ("lost",)


@pytest.mark.parametrize(
    ("field", "words", "expected"),
    [
        ("address", ("failed",), [("10.0.0.9", 2), ("10.0.0.8", 1)]),
        ("user", ("failed",), [("root", 2), ("oracle", 1)]),
        ("hour", ("failed",), [("2026-03-01 10:00", 2), ("2026-03-01 11:00", 1)]),
        ("port", ("accepted",), [("4001", 1)]),
        ("block", ("wrote",), [("8", 1), ("9", 1)]),
        ("user", ("declined",), [("bob", 1)]),
        ("flavour", ("failed",), []),
    ],
)
def test_the_values_of_a_field_are_counted(
    log: LogSource, field: str, words: Sequence[str], expected: list[tuple[str, int]]
) -> None:
    answer = ask(log, LogQuery("top", tuple(words), field=field))
    assert values(answer) == expected
    assert bool(answer.field) == bool(expected)


@pytest.mark.parametrize(
    ("operation", "value"), [("max", "93"), ("min", "8")], ids=["highest", "lowest"]
)
def test_the_extreme_of_a_number_is_found_with_its_line(
    log: LogSource, operation: str, value: str
) -> None:
    query = LogQuery("max" if operation == "max" else "min", ("block",), field="slowest write time")
    answer = ask(log, query)
    assert answer.values[0].value == value
    assert f"took {value} ms" in answer.values[0].line.text
    assert answer.num_values == 3


def test_an_identifier_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text(
        "[instance: 95960536-049b-41f6] Took 2 seconds\n[instance: 7a] Took 1.5 seconds\n"
    )
    query = LogQuery("max", ("instance",), field="longest instance")
    answer = ask(LogSource("vm", (path,)), query)
    assert answer.values[0].value == "2"


def test_the_first_and_last_line_are_told_with_their_times(log: LogSource) -> None:
    answer = ask(log, LogQuery("first", ("failed",)))
    assert answer.first is not None
    assert answer.last is not None
    assert answer.first.time == datetime(2026, 3, 1, 10, 0, 2, tzinfo=UTC)
    assert answer.last.line.number == 4


def test_kinds_are_listed_by_their_number_of_lines(log: LogSource) -> None:
    answer = ask(log, LogQuery("kinds", level=Level.WARN))
    assert [kind.count for kind in answer.kinds] == [2, 1]
    assert "invalid user" in answer.kinds[1].line.text


def test_a_window_leaves_lines_out(log: LogSource) -> None:
    window = Window(datetime(2026, 3, 1, 11, tzinfo=UTC))
    assert ask(log, LogQuery("count", ("failed",)), window).total == 1


def test_lines_without_a_time_have_that_of_the_line_before(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(
        "2026-03-01 10:00:00 INFO a\n  detail one\n2026-03-01 12:00:00 INFO b\n  detail two\n"
    )
    source = LogSource("a", (path,))
    window = Window(datetime(2026, 3, 1, 11, tzinfo=UTC))
    assert ask(source, LogQuery("count", ("detail",)), window).total == 1


def test_several_logs_are_counted_together(tmp_path: Path) -> None:
    sources = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.log"
        path.write_text(f"ERROR broken pipe in {name}\n")
        sources.append(LogSource(name, (path,)))
    answer = look_up(sources, LogQuery("count", ("broken",)), now=NOW)
    assert answer.total == 2
    assert answer.sources == ("a", "b")
    assert {kind.source for kind in answer.kinds} <= {"a", "b"}


def test_long_work_can_be_ended(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_text("INFO one\n" * 20_000)

    def checkpoint(name: str, lines: int) -> None:
        raise SourceNotFound(f"{name} {lines}", "")

    with pytest.raises(SourceNotFound, match="long 10000"):
        look_up([LogSource("long", (path,))], LogQuery("count"), now=NOW, checkpoint=checkpoint)


def test_a_status_is_no_number_in_a_path(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    stamp = "[01/Mar/2026:10:00:00 +0000]"
    path.write_text(
        f'10.0.0.1 - - {stamp} "GET /item/404 HTTP/1.1" 200 12 "-" "-"\n'
        f'10.0.0.1 - - {stamp} "GET /item/7 HTTP/1.1" 404 12 "-" "-"\n'
        '{"msg": "request", "status": 404}\n'
        "served /x with status=404\n"
        "order 404 was placed\n"
    )
    answer = ask(LogSource("access", (path,)), LogQuery("count", status=404))
    assert answer.total == 3


def test_a_level_is_exact_unless_worse_ones_count_too(log: LogSource) -> None:
    assert ask(log, LogQuery("count", level=Level.WARN)).total == 3
    assert ask(log, LogQuery("count", level=Level.WARN, or_worse=True)).total == 5
