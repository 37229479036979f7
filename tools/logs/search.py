"""Search in logs: exact counts over a whole source, and a bounded number of matches to read.

Plain words match case-insensitively anywhere in a line; a pattern with regular expression syntax is
one. Expressions come from people and from models, so each match runs under a time limit.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import regex  # type: ignore[import-untyped]

from tools.errors import InvalidQuery
from tools.logs.reader import LogLine, read_lines
from tools.logs.records import RecordParser
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

MAX_LIMIT = 200
MAX_CONTEXT = 10
_MATCH_TIMEOUT_S = 0.5
_MAX_PATTERN_CHARS = 500
_REGEX_SYNTAX = re.compile(r"[\\^$*+?{}\[\]|()]")


@dataclass(frozen=True, slots=True)
class LogMatch:
    """One matching line with the lines around it, all verbatim."""

    line: LogLine
    time: datetime | None
    before: tuple[LogLine, ...] = ()
    after: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LogMatches:
    """The answer to a search. `total` is exact for all that was read; `matches` is bounded.

    `matches` is in the order of the log. `first` and `last` are the times of the earliest and the
    latest matching line that has one.
    """

    source: str
    pattern: str
    total: int
    matches: tuple[LogMatch, ...]
    searched_lines: int
    newest_first: bool
    first: datetime | None = None
    last: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """`showing the last 10 of 175`, or how many lines were searched in vain."""
        if not self.total:
            return f"no match in {self.searched_lines:,} lines"
        if len(self.matches) == self.total:
            return f"showing all {self.total:,}"
        end = "last" if self.newest_first else "first"
        return f"showing the {end} {len(self.matches):,} of {self.total:,}"


def search_logs(
    source: LogSource,
    pattern: str,
    *,
    now: datetime,
    window: Window = EVERYTHING,
    context: int = 2,
    limit: int = 20,
    newest_first: bool = True,
) -> LogMatches:
    """The lines of `source` in `window` that match, the newest (or the first) `limit` of them.

    Lines without a time stamp have the time of the line before. Raises InvalidQuery for a pattern
    that cannot be used, SourceNotFound or SourceUnreadable.
    """
    search = _Search(_matcher(pattern), min(context, MAX_CONTEXT), min(limit, MAX_LIMIT))
    stream = read_lines(source)
    parser = RecordParser(now)
    time: datetime | None = None
    for line in stream:
        # Parsing costs more than matching, so it waits until a time is needed.
        is_match = search.matches(line)
        if window is not EVERYTHING or is_match:
            stamp = parser.parse(line.text).time
            time = stamp or (time if window is not EVERYTHING else None)
        if window is EVERYTHING or time is None or time in window:
            search.add(line, time, is_match, newest_first)
    return LogMatches(
        source.name,
        pattern,
        search.total,
        search.found(),
        search.lines,
        newest_first,
        search.first,
        search.last,
        tuple(stream.notes),
    )


@dataclass(slots=True)
class _Open:
    """A match that may still collect lines after it."""

    line: LogLine
    time: datetime | None
    before: tuple[LogLine, ...]
    after: list[LogLine]


class _Search:
    """Counts all matches and keeps some of them with their context."""

    def __init__(self, matcher: Callable[[str], bool], context: int, limit: int) -> None:
        self.total = 0
        self.lines = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._matcher = matcher
        self._context = context
        self._limit = limit
        self._kept: deque[_Open] = deque()
        self._before: deque[LogLine] = deque(maxlen=context)

    def matches(self, line: LogLine) -> bool:
        return self._matcher(line.text)

    def add(self, line: LogLine, time: datetime | None, is_match: bool, newest_first: bool) -> None:
        self.lines += 1
        if self._context:
            for match in reversed(self._kept):
                if len(match.after) == self._context:
                    break
                match.after.append(line)
        if is_match:
            self.total += 1
            self._note_time(time)
            if newest_first or len(self._kept) < self._limit:
                self._kept.append(_Open(line, time, tuple(self._before), []))
            if len(self._kept) > self._limit:
                self._kept.popleft()
        self._before.append(line)

    def found(self) -> tuple[LogMatch, ...]:
        return tuple(
            LogMatch(kept.line, kept.time, kept.before, tuple(kept.after)) for kept in self._kept
        )

    def _note_time(self, time: datetime | None) -> None:
        if time is None:
            return
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)


def _matcher(pattern: str) -> Callable[[str], bool]:
    if not pattern.strip():
        raise InvalidQuery("the search pattern is empty", "give a word or a regular expression")
    if len(pattern) > _MAX_PATTERN_CHARS:
        raise InvalidQuery(
            f"the search pattern has {len(pattern):,} characters",
            f"use at most {_MAX_PATTERN_CHARS}",
        )
    if not _REGEX_SYNTAX.search(pattern):
        literal = re.compile(re.escape(pattern), re.IGNORECASE)
        return lambda text: literal.search(text) is not None
    return _expression_matcher(pattern)


def _expression_matcher(pattern: str) -> Callable[[str], bool]:
    try:
        # The literal alternative finds "(attempt 1/3)" for those who meant just that.
        expression = regex.compile(f"{pattern}|{regex.escape(pattern)}", regex.IGNORECASE)
        regex.compile(pattern)
    except regex.error as error:
        raise InvalidQuery(
            f"{pattern!r} is not a usable regular expression: {error}",
            "write plain words, or escape special characters with a backslash",
        ) from error

    def matches(text: str) -> bool:
        try:
            return expression.search(text, timeout=_MATCH_TIMEOUT_S) is not None
        except TimeoutError as error:
            raise InvalidQuery(
                f"{pattern!r} takes too long to match",
                "write it without nested repetitions such as (a+)+",
            ) from error

    return matches
