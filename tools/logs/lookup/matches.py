"""The lines that a look-up means, counted as they come: by template and by value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from tools.logs.lookup.fields import Extract, Measure, find_field, find_measure
from tools.logs.lookup.query import Counted, LogQuery, LookupAnswer, Moment, Tier
from tools.logs.reader import LogLine
from tools.logs.records import Record
from tools.logs.templates import Masker, merge

_MAX_KINDS = 8
_MAX_DISTINCT = 100_000
_NUM_PROBES = 200
_MAX_MASKED_CHARS = 1000


class Match(NamedTuple):
    """A line that may be meant."""

    source: str
    line: LogLine
    record: Record
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The words to require and how, those that no line has, and all patterns of a line meant."""

    patterns: tuple[re.Pattern[str], ...]
    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    tier: Tier = "exact"


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the names of the logs, their lines, and what was left out."""

    sources: tuple[str, ...]
    num_lines: int
    notes: tuple[str, ...]


class Matches:
    """What the lines meant have in common: counted by template and by value."""

    def __init__(self, query: LogQuery) -> None:
        self._query = query
        self._masker = Masker()
        self._kinds: dict[str, Counted] = {}
        self._values: dict[str, Counted] = {}
        self._probes: list[Match] = []
        self._extract: tuple[str, Extract] | None = None
        self._measure: Measure | None = None
        self._is_settled = False
        self._extreme: tuple[float, Counted] | None = None
        self._num_measured = 0
        self._total = 0
        self._first: Moment | None = None
        self._last: Moment | None = None

    def add(self, match: Match) -> None:
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

    def answer(self, read: Read, choice: Choice) -> LookupAnswer:
        """All that was counted, of what was read by what choice."""
        if not self._is_settled:
            self._settle()
        kinds = self._merged_kinds()
        values = sorted(self._values.values(), key=lambda item: (-item.count, item.value))
        if self._extreme is not None:
            values = [self._extreme[1]]
        return LookupAnswer(
            query=self._query,
            sources=read.sources,
            total=self._total,
            searched=read.num_lines,
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
            notes=read.notes,
        )

    def _note_time(self, match: Match, time: datetime) -> None:
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

    def _add_value(self, match: Match) -> None:
        if self._measure is not None:
            self._compare(self._measure, match)
        elif self._extract is not None:
            value = self._extract[1](match.record, match.time)
            if value is not None and (value in self._values or len(self._values) < _MAX_DISTINCT):
                _count(self._values, value, match)

    def _compare(self, measure: Measure, match: Match) -> None:
        value = measure.value(match.record)
        if value is None:
            return
        self._num_measured += 1
        sign = 1 if self._query.operation == "max" else -1
        if self._extreme is None or sign * value > sign * self._extreme[0]:
            text = measure.text(match.record) or f"{value:g}"
            self._extreme = (value, Counted(text, 1, match.line, match.source))


def _count(counts: dict[str, Counted], value: str, match: Match) -> None:
    known = counts.get(value)
    if known is None:
        counts[value] = Counted(value, 1, match.line, match.source)
    else:
        counts[value] = replace(known, count=known.count + 1)
