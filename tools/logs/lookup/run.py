"""Running a look-up: two passes over the logs, exact to the line.

The first pass learns which words of the question stand in which lines together, the second counts
the lines that have them all. Nothing is sampled and nothing estimated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from tools.logs.lookup.fields import Extract, Measure, find_field, find_measure
from tools.logs.lookup.query import Counted, LogQuery, LookupAnswer, Moment, Tier
from tools.logs.lookup.words import WordCounts, literal_pattern, word_pattern
from tools.logs.reader import LogLine, read_lines
from tools.logs.records import Level, Record, RecordParser
from tools.logs.templates import Masker, merge
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

Checkpoint = Callable[[str, int], object]

_MAX_KINDS = 8
_MAX_DISTINCT = 100_000
_NUM_PROBES = 200
_CHECK_LINES = 10_000
_MAX_MASKED_CHARS = 1000


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
    matches = _Matches(query)
    for match in reading.records(wanted.text_matches):
        if wanted.record_matches(match):
            matches.add(match)
    return matches.answer(reading, choice)


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


class _Match(NamedTuple):
    """A line that may be meant."""

    source: str
    line: LogLine
    record: Record
    time: datetime | None


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

    def records(self, matches: Callable[[str], bool]) -> Iterator[_Match]:
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
                yield _Match(source.name, line, record, time)


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

    def record_matches(self, match: _Match) -> bool:
        wanted = self.query
        if wanted.level is not None and not _has_level(match.record.level, wanted):
            return False
        if wanted.status is not None and _status_of(match.record) != wanted.status:
            return False
        return match.time is None or match.time in self.window


@dataclass(frozen=True, slots=True)
class _Choice:
    """The words to require and how, those that no line has, and all patterns of a line meant."""

    patterns: tuple[re.Pattern[str], ...]
    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    tier: Tier = "exact"


def _choose_words(reading: _Reading, query: LogQuery) -> _Choice:
    literals = tuple(literal_pattern(text) for text in query.literals)
    words = tuple(dict.fromkeys((*query.words, *query.optional)))
    if not words:
        return _Choice(literals)
    counts = WordCounts(words)
    for _, line in reading.lines():
        if all(pattern.search(line.text) for pattern in literals):
            counts.add(line.text)
    chosen, tier = counts.choose(query.optional)
    missing = tuple(word for word in counts.missing(tier) if word not in query.optional)
    patterns = tuple(word_pattern(word, tier) for word in chosen)
    return _Choice((*literals, *patterns), chosen, missing, tier)


class _Matches:
    """What the lines meant have in common: counted by template and by value."""

    def __init__(self, query: LogQuery) -> None:
        self._query = query
        self._masker = Masker()
        self._kinds: dict[str, Counted] = {}
        self._values: dict[str, Counted] = {}
        self._probes: list[_Match] = []
        self._extract: tuple[str, Extract] | None = None
        self._measure: Measure | None = None
        self._is_settled = False
        self._extreme: tuple[float, Counted] | None = None
        self._num_measured = 0
        self._total = 0
        self._first: Moment | None = None
        self._last: Moment | None = None

    def add(self, match: _Match) -> None:
        """Count one line."""
        self._total += 1
        if match.time is not None:
            self._note_time(match, match.time)
        template = self._masker.mask(match.record.message[:_MAX_MASKED_CHARS])
        _count(self._kinds, template, match)
        if not self._query.field:
            return
        if self._is_settled:
            self._add_value(match)
            return
        self._probes.append(match)
        if len(self._probes) == _NUM_PROBES:
            self._settle()

    def answer(self, reading: _Reading, choice: _Choice) -> LookupAnswer:
        """All that was counted."""
        if not self._is_settled:
            self._settle()
        kinds = self._merged_kinds()
        values = sorted(self._values.values(), key=lambda item: (-item.count, item.value))
        if self._extreme is not None:
            values = [self._extreme[1]]
        return LookupAnswer(
            query=self._query,
            sources=tuple(source.name for source in reading.sources),
            total=self._total,
            searched=reading.num_lines,
            matched_words=choice.words,
            missing=choice.missing,
            tier=choice.tier,
            kinds=tuple(kinds[:_MAX_KINDS]),
            num_kinds=len(kinds),
            values=tuple(values),
            num_values=self._num_measured or len(values),
            field=self._field_name(),
            first=self._first,
            last=self._last,
            notes=tuple(reading.notes),
        )

    def _note_time(self, match: _Match, time: datetime) -> None:
        if self._first is None or time < self._first.time:
            self._first = Moment(time, match.line, match.source)
        if self._last is None or time >= self._last.time:
            self._last = Moment(time, match.line, match.source)

    def _field_name(self) -> str:
        if self._measure is not None:
            return self._measure.name
        return self._extract[0] if self._extract else ""

    def _merged_kinds(self) -> list[Counted]:
        """The templates of the lines, near-identical ones joined, most frequent first."""
        kinds = list(self._kinds.values())
        merged = [
            replace(kinds[members[0]], value=template, count=sum(kinds[n].count for n in members))
            for template, members in merge([kind.value for kind in kinds])
        ]
        return sorted(merged, key=lambda item: -item.count)

    def _settle(self) -> None:
        """Find the field in the lines seen so far, and count them."""
        self._is_settled = True
        records = [match.record for match in self._probes]
        if not records:
            return
        if self._query.operation in ("max", "min"):
            self._measure = find_measure(self._query.field, records)
        else:
            self._extract = find_field(self._query.field, records)
        for match in self._probes:
            self._add_value(match)
        self._probes.clear()

    def _add_value(self, match: _Match) -> None:
        if self._measure is not None:
            self._compare(self._measure, match)
        elif self._extract is not None:
            value = self._extract[1](match.record, match.time)
            if value is not None and (value in self._values or len(self._values) < _MAX_DISTINCT):
                _count(self._values, value, match)

    def _compare(self, measure: Measure, match: _Match) -> None:
        value = measure.value(match.record)
        if value is None:
            return
        self._num_measured += 1
        sign = 1 if self._query.operation == "max" else -1
        if self._extreme is None or sign * value > sign * self._extreme[0]:
            text = measure.text(match.record) or f"{value:g}"
            self._extreme = (value, Counted(text, 1, match.line, match.source))


def _count(counts: dict[str, Counted], value: str, match: _Match) -> None:
    known = counts.get(value)
    if known is None:
        counts[value] = Counted(value, 1, match.line, match.source)
    else:
        counts[value] = replace(known, count=known.count + 1)
