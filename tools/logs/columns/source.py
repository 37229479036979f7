"""One source analysed: its groups, what they and their numbers tell over time, its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from tools.logs import ranking
from tools.logs.columns.counting import count
from tools.logs.columns.figures import follow_fields, follow_messages
from tools.logs.columns.records import find_records
from tools.logs.columns.samples import Index, read, spread
from tools.logs.columns.text import read_column
from tools.logs.columns.vanished import vanished
from tools.logs.groups import Group
from tools.logs.judgement import SourceEvidence
from tools.logs.moments import to_time
from tools.logs.numbers import Followed
from tools.logs.reader import LogLine, read_blocks
from tools.logs.records import Level, RecordParser
from tools.logs.report import SourceSummary
from tools.logs.signs.source import SourceSigns
from tools.logs.table import SourceTable
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

_MAX_DRIFTS = 4
# Lines whose values are counted: of one group, and of all.
_MAX_VALUED = 512
_MAX_ALL_VALUED = 8_000
_PROGRESS_LINES = 10_000
_SILENT_S = 0.25

Progress = Callable[[str, int], None]


class SourceAnalysis:
    """The analysis of one source. What is read of it is let go when it ends."""

    def __init__(
        self,
        source: LogSource,
        parser: RecordParser,
        window: Window,
        baseline: Window | None,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._window = window
        self._progress = _Steps(source.name, progress)
        column = read_column(read_blocks(source), self._progress.reach)
        self._records = find_records(column, parser, window, baseline, self._progress.check)
        self._count = count(self._records)

    @property
    def table(self) -> SourceTable:
        """The records of the window."""
        window = self._records.window
        return SourceTable(
            self._source.name,
            self._count.groups,
            self._count.group_of_kind[window.kinds],
            window.times,
        )

    def summary(self) -> SourceSummary:
        """What was read and what is in it."""
        column, groups = self._records.column, self._count.groups
        first, last = map(to_time, self._records.span) if self._records.span else (None, None)
        return SourceSummary(
            self._source.name,
            len(column),
            first,
            last,
            self._levels(),
            column.size_bytes,
            sum(group.count for group in groups if group.is_problem),
            len(groups),
            (*column.notes, *self._window_notes()),
        )

    def evidence(self) -> SourceEvidence:
        """What it tells: its signs over time, and the numbers that changed lastingly."""
        problems = [group for group in self._count.groups if group.is_problem]
        self._count_values(sorted(problems, key=self._rough_suspicion))
        signs = SourceSigns.find(self.table, self._lines)
        gone = vanished(self._records, self._count)
        return SourceEvidence(signs, self._drifts(), gone, self._num_before)

    def _rough_suspicion(self, group: Group) -> float:
        """A key that puts the groups first that will be looked at first."""
        course = ranking.Course.of(group, len(self._records.window))
        return -ranking.suspicion(group, course, self._num_before)

    def _lines(self, positions: Sequence[int]) -> Sequence[LogLine]:
        """The lines of some records of the window."""
        rows = self._records.window.rows[np.asarray(positions, np.int64)]
        return self._records.column.lines(rows) if len(rows) else ()

    @property
    def _num_before(self) -> int:
        """The records of the baseline."""
        return len(self._records.baseline) if self._records.baseline is not None else 0

    def _levels(self) -> dict[str, int]:
        variants = self._records.variants
        counts = np.bincount(
            variants.lookup(lambda variant: variant.level or 0, np.uint8)[self._records.window.rows]
        )
        levels = np.flatnonzero(counts)[::-1].tolist()
        return {Level(level).name if level else "NONE": int(counts[level]) for level in levels}

    def _window_notes(self) -> tuple[str, ...]:
        is_limited = self._window != EVERYTHING
        if is_limited and len(self._records.column) and self._records.span is None:
            return ("no time stamps: the time range could not be applied, all lines were read",)
        return ()

    def _count_values(self, groups: Sequence[Group]) -> None:
        """Count what the fields of some groups say, on samples where there are many."""
        of_record = self._count.group_of_kind[self._records.window.kinds]
        index = Index(of_record, len(self._count.groups))
        numbers = {id(group): number for number, group in enumerate(self._count.groups)}
        num_left = _MAX_ALL_VALUED
        for group in groups:
            if num_left > 0:
                positions = spread(index.positions(numbers[id(group)]), _MAX_VALUED)
                num_left -= len(positions)
                for record, _, _ in read(self._records, positions):
                    group.count_values(record)

    def _drifts(self) -> list[Followed]:
        followed = [*follow_fields(self._records), *follow_messages(self._records, self._count)]
        followed.sort(key=lambda item: -ranking.drift_suspicion(item))
        # One number often stands in a field and in the message too.
        distinct: dict[tuple[float, float, float], Followed] = {}
        for item in followed:
            distinct.setdefault((item.drift.first, item.drift.last, item.drift.high), item)
        return list(distinct.values())[:_MAX_DRIFTS]


class _Steps:
    """Reports progress at every so many lines, and, while nothing new is read, now and then."""

    def __init__(self, name: str, report: Progress | None) -> None:
        self._name = name
        self._report = report
        self._reached = 0
        self._reported_at = perf_counter()

    def reach(self, num_lines: int) -> None:
        """Report every step up to `num_lines`."""
        while self._report is not None and self._reached + _PROGRESS_LINES <= num_lines:
            self._reached += _PROGRESS_LINES
            self._report(self._name, self._reached)
            self._reported_at = perf_counter()

    def check(self) -> None:
        """Report the last step again after a while: whoever wants to cancel can do it now."""
        if self._report is not None and perf_counter() - self._reported_at > _SILENT_S:
            self._report(self._name, self._reached)
            self._reported_at = perf_counter()
