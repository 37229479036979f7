"""Running a look-up: two passes over the logs, exact to the line.

The first pass learns which words of the question stand in which lines together, the second counts
the lines that have them all. Nothing is sampled and nothing estimated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.logs.lookup.matches import Choice, Match, Matches, Read
from tools.logs.lookup.query import LogQuery, LookupAnswer
from tools.logs.lookup.words import WordCounts, literal_pattern, word_pattern
from tools.logs.reader import LogLine, read_lines
from tools.logs.records import Level, Record, RecordParser
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

Checkpoint = Callable[[str, int], object]

_NUM_PROBES = 200
_CHECK_LINES = 10_000


def look_up(
    sources: Sequence[LogSource],
    query: LogQuery,
    *,
    now: datetime,
    window: Window = EVERYTHING,
    checkpoint: Checkpoint | None = None,
) -> LookupAnswer:
    """The exact answer to `query` over all lines of `sources` in `window`.

    Lines without a time stamp have the time of the line before. `checkpoint` is called now and then
    and may raise to end the work. Raises SourceNotFound or SourceUnreadable.
    """
    reading = _Reading(sources, now, window, checkpoint)
    choice = _choose_words(reading, query)
    wanted = _Wanted(choice.patterns, query, window)
    matches = Matches(query)
    for match in reading.records(wanted.text_matches):
        if wanted.record_matches(match):
            matches.add(match)
    return matches.answer(reading.done(), choice)


def declares_levels(sources: Sequence[LogSource], *, now: datetime) -> bool:
    """Whether any of the first lines of `sources` declares a level, so that levels can be counted.

    A log whose lines have none is asked for the word instead.
    """
    for source in sources:
        parser = RecordParser(now)
        for line in read_lines(source):
            if line.number > _NUM_PROBES:
                break
            if parser.parse(line.text).level is not None:
                return True
    return False


@dataclass(slots=True)
class _Reading:
    """Passes over the sources, with progress; counts the lines that it read in the last one."""

    sources: Sequence[LogSource]
    now: datetime
    window: Window
    checkpoint: Checkpoint | None
    num_lines: int = 0
    notes: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[tuple[LogSource, LogLine]]:
        self.num_lines = 0
        self.notes = []
        for source in self.sources:
            stream = read_lines(source)
            for line in stream:
                self.num_lines += 1
                if self.checkpoint is not None and self.num_lines % _CHECK_LINES == 0:
                    self.checkpoint(source.name, self.num_lines)
                yield source, line
            self.notes.extend(stream.notes)

    def done(self) -> Read:
        """What the last pass read."""
        names = tuple(source.name for source in self.sources)
        return Read(names, self.num_lines, tuple(self.notes))

    def records(self, matches: Callable[[str], bool]) -> Iterator[Match]:
        """The lines that `matches`, parsed, with their time."""
        parser = RecordParser(self.now)
        current: LogSource | None = None
        time: datetime | None = None
        is_windowed = self.window != EVERYTHING
        for source, line in self.lines():
            if source is not current:
                current, time = source, None
                parser = RecordParser(self.now)
            is_match = matches(line.text)
            if not is_match and not is_windowed:
                continue
            record = parser.parse(line.text)
            time = record.time or (time if is_windowed else None)
            if is_match:
                yield Match(source.name, line, record, time)


_STATUS_IN_TEXT = re.compile(
    r"HTTP/\d(?:\.\d)?\"? (\d{3})\b|\b[Ss]tatus(?:[ _]?[Cc]ode)?\"?[=: ]{1,2}\"?(\d{3})\b"
)
_STATUS_FIELDS = ("status", "status_code", "statusCode", "http_status", "res.statusCode", "code")


def _has_level(level: Level | None, wanted: LogQuery) -> bool:
    if level is None or wanted.level is None:
        return False
    return level >= wanted.level if wanted.or_worse else level is wanted.level


def _status_of(record: Record) -> int | None:
    """The HTTP status of a record: of its fields, else of its message."""
    for name in _STATUS_FIELDS:
        value = record.fields.get(name)
        if str(value).isdigit() and 100 <= int(str(value)) <= 599:
            return int(str(value))
    match = _STATUS_IN_TEXT.search(record.message)
    return int(match[1] or match[2]) if match else None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which lines are meant."""

    patterns: tuple[re.Pattern[str], ...]
    query: LogQuery
    window: Window

    def text_matches(self, text: str) -> bool:
        return bool(text) and all(pattern.search(text) for pattern in self.patterns)

    def record_matches(self, match: Match) -> bool:
        wanted = self.query
        if wanted.level is not None and not _has_level(match.record.level, wanted):
            return False
        if wanted.status is not None and _status_of(match.record) != wanted.status:
            return False
        return match.time is None or match.time in self.window


def _choose_words(reading: _Reading, query: LogQuery) -> Choice:
    literals = tuple(literal_pattern(text) for text in query.literals)
    words = tuple(dict.fromkeys((*query.words, *query.optional)))
    if not words:
        return Choice(literals)
    counts = WordCounts(words)
    for _, line in reading.lines():
        if all(pattern.search(line.text) for pattern in literals):
            counts.add(line.text)
    chosen, tier = counts.choose(query.optional)
    missing = tuple(word for word in counts.missing(tier) if word not in query.optional)
    patterns = tuple(word_pattern(word, tier) for word in chosen)
    return Choice((*literals, *patterns), chosen, missing, tier)
