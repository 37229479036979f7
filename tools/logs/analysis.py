"""Analysis of logs: what is in them, and what in them deserves attention.

`analyze_logs` reads each source once, groups its records, follows its numbers and ranks what it
found against a baseline: the window before, or, where there is none, the log's own course.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from time import perf_counter

from tools.logs import ranking
from tools.logs.groups import Group, Grouping
from tools.logs.multiline import Continuations
from tools.logs.numbers import FieldNumbers, MessageNumbers
from tools.logs.reader import LineStream, LogLine, read_lines
from tools.logs.records import Level, RecordParser
from tools.logs.report import (
    MAX_TEXT_CHARS,
    LogFinding,
    LogReport,
    SourceSummary,
    summarize,
    to_findings,
)
from tools.logs.series import Drift
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

__all__ = [
    "LogFinding",
    "LogReport",
    "SourceSummary",
    "analyze_logs",
    "summarize",
    "to_findings",
]

Progress = Callable[[str, int], None]
"""Called with the source's name and the lines read so far, about every 10,000 lines."""

_MAX_FINDINGS = 200
_MAX_DRIFTS = 4
# Each followed template keeps some lines, so their number bounds the memory.
_MAX_FOLLOWED = 500
_PROGRESS_LINES = 10_000


def analyze_logs(
    sources: Sequence[LogSource],
    *,
    now: datetime,
    window: Window = EVERYTHING,
    baseline: Window | None = None,
    progress: Progress | None = None,
) -> LogReport:
    """What the sources say in `window`, compared with `baseline`; most suspicious first.

    Without a baseline, a window that has a start is compared with everything before it. `now` gives
    the year to time stamps without one. Raises SourceNotFound or SourceUnreadable.
    """
    started = perf_counter()
    if baseline is None and window.start is not None:
        baseline = Window(None, window.start)
    analyses = [_SourceAnalysis(source, now, window, baseline, progress) for source in sources]
    summaries = tuple(analysis.run() for analysis in analyses)
    findings = [finding for analysis in analyses for finding in analysis.findings]
    findings.sort(key=lambda finding: (-finding.suspicion, finding.first or now, finding.line))
    return LogReport(
        summaries,
        tuple(findings[:_MAX_FINDINGS]),
        sum(summary.template_count for summary in summaries),
        perf_counter() - started,
    )


@dataclass(slots=True)
class _Span:
    """The earliest and the latest time seen."""

    first: datetime | None = None
    last: datetime | None = None

    def add(self, time: datetime) -> None:
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time


class _SourceAnalysis:
    """One source, read once."""

    def __init__(
        self,
        source: LogSource,
        now: datetime,
        window: Window,
        baseline: Window | None,
        progress: Progress | None,
    ) -> None:
        self.findings: list[LogFinding] = []
        self._source = source
        self._parser = RecordParser(now)
        self._window = window
        self._baseline = baseline
        self._progress = progress
        self._grouping = Grouping()
        self._fields = FieldNumbers()
        self._levels: Counter[Level | None] = Counter()
        self._span = _Span()
        self._lines = 0
        self._followed = 0

    def run(self) -> SourceSummary:
        """Read the source, fill `findings` and return its summary."""
        stream = read_lines(self._source)
        self._read(stream)
        groups = self._grouping.merged() if self._grouping.total else []
        self.findings = [self._finding(group) for group in groups]
        self.findings.extend(self._drift_findings(groups))
        return SourceSummary(
            self._source.name,
            self._lines,
            self._span.first,
            self._span.last,
            self._level_names(),
            stream.size_bytes,
            sum(group.count for group in groups if group.is_problem),
            len(groups),
            (*stream.notes, *self._window_notes()),
        )

    def _read(self, stream: LineStream) -> None:
        continuations = Continuations()
        parse = self._parser.parse
        time: datetime | None = None
        for line in stream:
            self._lines += 1
            if self._progress is not None and self._lines % _PROGRESS_LINES == 0:
                self._progress(self._source.name, self._lines)
            text = line.text
            if not text or text.isspace():
                continue
            record = parse(text)
            if continuations.absorbs(text, record):
                continue
            if record.time is not None:
                time = record.time
                self._span.add(time)
            if time is None or time in self._window:
                self._levels[record.level] += 1
                group = self._grouping.add(record, time, line)
                if record.fields:
                    self._fields.add(record.fields, time, line)
                elif "<n>" in group.template:
                    self._follow(group, record.message, time, line)
            elif self._baseline is not None and time in self._baseline:
                self._grouping.add_to_baseline(record, line)

    def _follow(self, group: Group, message: str, time: datetime | None, line: LogLine) -> None:
        if group.numbers is None:
            if self._followed >= _MAX_FOLLOWED:
                return
            self._followed += 1
            group.numbers = MessageNumbers()
        group.numbers.add(message, time, line)

    def _level_names(self) -> dict[str, int]:
        ordered = sorted(self._levels.items(), key=lambda item: -(item[0] or 0))
        return {level.name if level else "NONE": count for level, count in ordered}

    def _window_notes(self) -> tuple[str, ...]:
        if self._window != EVERYTHING and self._lines and self._span.first is None:
            return ("no time stamps: the time range could not be applied, all lines were read",)
        return ()

    def _finding(self, group: Group) -> LogFinding:
        grouping = self._grouping
        course = ranking.Course.of(group, grouping.total, grouping.chunk_shift)
        level = group.level.name if group.level else None
        return LogFinding(
            id=_finding_id(self._source.name, level, group.template),
            source=self._source.name,
            template=group.template,
            count=group.count,
            baseline_count=group.baseline_count if grouping.baseline_total else None,
            first=group.first,
            last=group.last,
            level=level,
            is_new=ranking.is_new(group, course, grouping.baseline_total),
            text=group.sample.text[:MAX_TEXT_CHARS],
            line=group.sample.number,
            path=str(group.sample.path),
            note=ranking.note(group, course, grouping.baseline_total),
            suspicion=ranking.suspicion(group, course, grouping.baseline_total),
            is_cut=_is_cut(group.sample),
        )

    def _drift_findings(self, groups: Sequence[Group]) -> list[LogFinding]:
        drifts = self._fields.drifts()
        for group in groups:
            if group.numbers is not None:
                drifts.extend(group.numbers.drifts(group.message))
        drifts.sort(key=lambda item: -ranking.drift_suspicion(item[1]))
        # One number often stands in a field and in the message too.
        distinct: dict[tuple[float, float, float], tuple[str, Drift]] = {}
        for name, drift in drifts:
            distinct.setdefault((drift.first, drift.last, drift.high), (name, drift))
        strongest = list(distinct.values())[:_MAX_DRIFTS]
        return [self._drift_finding(name, drift) for name, drift in strongest]

    def _drift_finding(self, name: str, drift: Drift) -> LogFinding:
        line = drift.peak.line
        template = f"{name} {drift.direction}"
        return LogFinding(
            id=_finding_id(self._source.name, None, template),
            source=self._source.name,
            template=template,
            count=drift.count,
            baseline_count=None,
            first=drift.first_time,
            last=drift.last_time,
            level=None,
            is_new=False,
            text=line.text[:MAX_TEXT_CHARS],
            line=line.number,
            path=str(line.path),
            note=ranking.drift_note(name, drift),
            suspicion=ranking.drift_suspicion(drift),
            is_cut=_is_cut(line),
        )


def _finding_id(source: str, level: str | None, template: str) -> str:
    return blake2s(
        f"{source}\0{level}\0{template}".encode(errors="replace"), digest_size=5
    ).hexdigest()


def _is_cut(line: LogLine) -> bool:
    return line.is_cut or len(line.text) > MAX_TEXT_CHARS
