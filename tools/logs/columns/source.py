"""One source analysed: its groups, the findings that they and their numbers make, its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2s
from time import perf_counter
from typing import NamedTuple

import numpy as np

from tools.logs import ranking
from tools.logs.columns.clocks import to_time
from tools.logs.columns.counting import count
from tools.logs.columns.figures import Followed, follow_fields, follow_messages
from tools.logs.columns.records import find_records
from tools.logs.columns.samples import Index, read, spread
from tools.logs.columns.text import read_column
from tools.logs.groups import Group
from tools.logs.reader import LogLine, read_blocks
from tools.logs.records import Level, RecordParser
from tools.logs.report import MAX_TEXT_CHARS, LogFinding, SourceSummary
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

    def findings(self, max_findings: int) -> list[LogFinding]:
        """The most suspicious groups, and the numbers that changed lastingly."""
        total, before = len(self._records.window), self._num_before
        judged = [_judged(group, total, before) for group in self._count.groups]
        judged.sort(key=lambda item: -item.suspicion)
        del judged[max_findings:]
        self._count_values([item.group for item in judged])
        found = [self._finding(item) for item in judged]
        return [*found, *map(self._drift_finding, self._drifts())]

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
        """Count what the fields of problems say, on samples where there are many."""
        of_record = self._count.group_of_kind[self._records.window.kinds]
        index = Index(of_record, len(self._count.groups))
        numbers = {id(group): number for number, group in enumerate(self._count.groups)}
        num_left = _MAX_ALL_VALUED
        for group in groups:
            if group.is_problem and num_left > 0:
                positions = spread(index.positions(numbers[id(group)]), _MAX_VALUED)
                num_left -= len(positions)
                for record, _, _ in read(self._records, positions):
                    group.count_values(record)

    def _drifts(self) -> list[Followed]:
        followed = [*follow_fields(self._records), *follow_messages(self._records, self._count)]
        followed.sort(key=lambda item: -ranking.drift_suspicion(item.drift))
        # One number often stands in a field and in the message too.
        distinct: dict[tuple[float, float, float], Followed] = {}
        for item in followed:
            distinct.setdefault((item.drift.first, item.drift.last, item.drift.high), item)
        return list(distinct.values())[:_MAX_DRIFTS]

    def _finding(self, judged: _Judged) -> LogFinding:
        group, course, before = judged.group, judged.course, self._num_before
        level = group.level.name if group.level else None
        return LogFinding(
            id=_finding_id(self._source.name, level, group.template),
            source=self._source.name,
            template=group.template,
            count=group.count,
            baseline_count=group.baseline_count if before else None,
            first=group.first,
            last=group.last,
            level=level,
            is_new=ranking.is_new(group, course, before),
            text=group.sample.text[:MAX_TEXT_CHARS],
            line=group.sample.number,
            path=str(group.sample.path),
            note=ranking.note(group, course, before),
            suspicion=judged.suspicion,
            is_cut=_is_cut(group.sample),
        )

    def _drift_finding(self, followed: Followed) -> LogFinding:
        drift = followed.drift
        line = drift.peak.line
        template = f"{followed.name} {drift.direction}"
        return LogFinding(
            id=_finding_id(self._source.name, None, template),
            source=self._source.name,
            template=template,
            count=followed.num_lines,
            baseline_count=None,
            first=drift.first_time,
            last=drift.last_time,
            level=None,
            is_new=False,
            text=line.text[:MAX_TEXT_CHARS],
            line=line.number,
            path=str(line.path),
            note=ranking.drift_note(followed.name, drift) + followed.remark,
            suspicion=ranking.drift_suspicion(drift),
            is_cut=_is_cut(line),
        )


class _Judged(NamedTuple):
    group: Group
    course: ranking.Course
    suspicion: float


def _judged(group: Group, total: int, before: int) -> _Judged:
    course = ranking.Course.of(group, total)
    return _Judged(group, course, ranking.suspicion(group, course, before))


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


def _finding_id(source: str, level: str | None, template: str) -> str:
    return blake2s(
        f"{source}\0{level}\0{template}".encode(errors="replace"), digest_size=5
    ).hexdigest()


def _is_cut(line: LogLine) -> bool:
    return line.is_cut or len(line.text) > MAX_TEXT_CHARS
