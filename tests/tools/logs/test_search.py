from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.errors import InvalidQuery, SourceNotFound
from tools.logs.search import LogMatches, search_logs
from tools.scope import LogSource
from tools.window import Window

NOW = datetime(2025, 1, 2, 4, tzinfo=UTC)
LOG = "".join(
    f"2025-01-02 03:{minute:02}:00 "
    f"{'ERROR job (try 1/3) failed' if minute % 10 == 5 else 'INFO ok'}\n"
    for minute in range(60)
)


@pytest.fixture
def source(tmp_path: Path) -> LogSource:
    path = tmp_path / "app.log"
    path.write_text(LOG)
    return LogSource("app", (path,))


def numbers(matches: LogMatches) -> list[int]:
    return [match.line.number for match in matches.matches]


def test_plain_words_ignore_case_and_counts_are_exact(source: LogSource) -> None:
    found = search_logs(source, "error JOB", now=NOW, limit=2)
    assert (found.total, numbers(found), found.searched_lines) == (6, [46, 56], 60)
    assert found.description == "showing the last 2 of 6"
    assert (found.first, found.last) == (
        datetime(2025, 1, 2, 3, 5, tzinfo=UTC),
        datetime(2025, 1, 2, 3, 55, tzinfo=UTC),
    )


def test_oldest_first(source: LogSource) -> None:
    found = search_logs(source, "ERROR", now=NOW, limit=2, newest_first=False)
    assert (numbers(found), found.description) == ([6, 16], "showing the first 2 of 6")


def test_context_lines_surround_the_match(source: LogSource) -> None:
    (match,) = search_logs(source, "03:59", now=NOW, context=2).matches
    assert [line.number for line in match.before] == [58, 59]
    assert match.after == ()
    first = search_logs(source, "ERROR", now=NOW, context=1, newest_first=False).matches[0]
    assert [line.number for line in (*first.before, *first.after)] == [5, 7]


def test_expressions_and_what_only_looks_like_one(source: LogSource) -> None:
    assert search_logs(source, r"03:[01]5:00 ERROR", now=NOW).total == 2
    assert search_logs(source, "(try 1/3)", now=NOW).total == 6


def test_window_and_inherited_times(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("2025-01-02 01:00:00 a\n trace a\n2025-01-02 03:00:00 b\n trace b\n")
    window = Window(datetime(2025, 1, 2, 2, tzinfo=UTC), None)
    found = search_logs(LogSource("app", (path,)), "trace", now=NOW, window=window)
    assert (found.total, numbers(found), found.searched_lines) == (1, [4], 2)


def test_no_match_says_what_was_searched(source: LogSource) -> None:
    assert search_logs(source, "unheard of", now=NOW).description == "no match in 60 lines"


@pytest.mark.parametrize("pattern", ["", "  ", "(unclosed", "x" * 501, "*"])
def test_unusable_patterns(source: LogSource, pattern: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        search_logs(source, pattern, now=NOW)
    assert caught.value.hint


def test_catastrophic_patterns_end(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("a" * 5000 + "!\n")
    with pytest.raises(InvalidQuery, match="too long to match"):
        search_logs(LogSource("app", (path,)), r"(a|aa)+\d(b|c)\1$", now=NOW)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        search_logs(LogSource("app", (tmp_path / "no.log",)), "x", now=NOW)
