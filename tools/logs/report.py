"""`LogReport`: what an analysis of logs found, and how it is handed on.

The dataclasses are the contract of `midwatch logs --json`. `to_findings` makes evidence of a report
and `summarize` the few lines that a small model reads before it. Counting and judging are done
elsewhere; nothing here looks at a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tools.evidence import Finding
from tools.logs.reader import format_size
from tools.logs.signs.timeline import Timeline, shortened
from tools.logs.templates import Masker

MAX_TEXT_CHARS = 400
_MAX_NOTES = 4
_MAX_EVENTS = 4
_MAX_WHAT_CHARS = 70


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One source: how much of it was read, when it starts and ends, and its levels.

    `levels` counts records by the level they declare (an access log's status counts as one);
    records that declare none are under `NONE`. `problem_lines` counts records that are a warning
    or worse by their level or their words. Both are of the window; `lines` is all that was read.
    """

    name: str
    lines: int
    first: datetime | None
    last: datetime | None
    levels: Mapping[str, int]
    bytes: int
    problem_lines: int = 0
    template_count: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFinding:
    """A template, a number that drifts or a sign over time, with its figures and a verbatim line.

    `kind` says which: `template`, `number`, or the kind of the sign (`silence`, `burst`, `restart`,
    `change`, `difference`, `flapping`); `count`, `first` and `last` are then those of the sign.
    `onset` is when it began to be suspicious; None where it was always so, or without times.
    `id` is the same for the same template of the same source in every run. `baseline_count` is
    None where there is no baseline to compare with. `sample` is at most MAX_TEXT_CHARS long, and
    ends in `…` when it was cut; `text` is the same without the mark, a verbatim prefix.
    """

    id: str
    source: str
    template: str
    count: int
    baseline_count: int | None
    first: datetime | None
    last: datetime | None
    level: str | None
    is_new: bool
    text: str
    line: int
    path: str
    note: str
    suspicion: float
    is_cut: bool = False
    kind: str = "template"
    onset: datetime | None = None

    @property
    def sample(self) -> str:
        """The line for a reader."""
        return f"{self.text}…" if self.is_cut else self.text


@dataclass(frozen=True, slots=True)
class LogReport:
    """Everything found, most suspicious first. `template_count` counts all, also those left out.

    `timeline` says what came first; None where nothing is suspicious, or without times.
    """

    sources: tuple[SourceSummary, ...]
    findings: tuple[LogFinding, ...]
    template_count: int
    duration_s: float
    timeline: Timeline | None = None

    @property
    def problem_lines(self) -> int:
        """Records that are a warning or worse, over all sources."""
        return sum(source.problem_lines for source in self.sources)


def to_findings(report: LogReport, limit: int) -> tuple[Finding, ...]:
    """The `limit` strongest findings as evidence; findings about one template become one."""
    masker = Masker()
    alike: dict[str, list[LogFinding]] = {}
    for finding in report.findings:
        alike.setdefault(masker.mask(finding.text), []).append(finding)
    return tuple(_evidence(*same) for same in list(alike.values())[:limit])


def _evidence(finding: LogFinding, *others: LogFinding) -> Finding:
    """`finding` with what the weaker findings about the same template add to it."""
    notes = [finding.note]
    for other in others:
        if other.source == finding.source and other.note not in notes:
            notes.append(other.note)
    elsewhere = [other for other in others if other.source != finding.source]
    if elsewhere:
        counts = _counts(elsewhere)
        listed = ", ".join(f"{name} ({count:,})" for name, count in counts[:3])
        more = f" and {len(counts) - 3} more" if len(counts) > 3 else ""
        notes.append(f"also in {listed}{more}")
    return Finding(
        "log",
        finding.source,
        finding.text,
        finding.line,
        "; ".join(notes[:_MAX_NOTES]),
        round(finding.suspicion, 3),
        finding.onset or finding.first,
    )


def _counts(findings: Iterable[LogFinding]) -> list[tuple[str, int]]:
    """How often it was found in each source."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.source] = max(counts.get(finding.source, 0), finding.count)
    return list(counts.items())


def summarize(report: LogReport) -> str:
    """A few lines: each source with its range, levels and verdict, and what came first."""
    lines = [_source_line(source) for source in report.sources[:8]]
    if len(report.sources) > 8:
        lines.append(f"… and {len(report.sources) - 8} more sources")
    if report.timeline is not None and len(report.timeline.events) > 1:
        lines.append(f"In the order of time: {_in_order(report.timeline)}")
    return "\n".join(lines)


def _in_order(timeline: Timeline) -> str:
    return "; ".join(
        f"{event.time:%H:%M:%S}Z {event.source}: {shortened(event.what, _MAX_WHAT_CHARS)}"
        for event in timeline.events[:_MAX_EVENTS]
    )


def _source_line(source: SourceSummary) -> str:
    notes = "".join(f"; {note}" for note in source.notes)
    if source.lines == 0:
        return f"{source.name}: empty: no log lines{notes}"
    span = format_span(source.first, source.last) or "no time stamps"
    levels = ", ".join(f"{name} {count:,}" for name, count in source.levels.items())
    if not source.levels:
        verdict = "no lines in this time range"
    elif source.problem_lines:
        verdict = f"lines with a problem: {source.problem_lines:,}"
    else:
        verdict = "lines with a problem: 0, nothing wrong was found in this log"
    return (
        f"{source.name}: {source.lines:,} lines ({format_size(source.bytes)}), {span}; "
        f"levels: {levels or 'none'}; {verdict}{notes}"
    )


def format_time(time: datetime | None) -> str:
    """`2025-11-20 12:00:00Z`, or nothing."""
    return f"{time:%Y-%m-%d %H:%M:%S}Z" if time else ""


def format_span(first: datetime | None, last: datetime | None) -> str:
    """`2025-11-20 12:00:00Z to 13:00:00Z`, or nothing."""
    if first is None or last is None:
        return ""
    if first.replace(microsecond=0) == last.replace(microsecond=0):
        return format_time(first)
    end = f"{last:%H:%M:%S}Z" if first.date() == last.date() else format_time(last)
    return f"{format_time(first)} to {end}"
