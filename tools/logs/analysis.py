"""Analysis of logs: what is in them, and what in them deserves attention.

`analyze_logs` reads each source once, groups its records, follows its numbers and ranks what it
found against a baseline: the window before, or, where there is none, the log's own course. How a
source is read and counted is `tools.logs.columns`' business, which is loaded with the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

from tools.logs.records import RecordParser
from tools.logs.report import LogFinding, LogReport, SourceSummary, summarize, to_findings
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

if TYPE_CHECKING:
    from tools.logs.table import SourceTable

__all__ = [
    "LogFinding",
    "LogReport",
    "LogStudy",
    "SourceSummary",
    "analyze_logs",
    "study_logs",
    "summarize",
    "to_findings",
]

Progress = Callable[[str, int], None]
"""Called with the source's name and the lines read so far, about every 10,000 lines.

What it raises ends the analysis.
"""

_MAX_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class LogStudy:
    """A report, and the table of each of its sources that it was made from."""

    report: LogReport
    tables: tuple[SourceTable, ...]


def analyze_logs(
    sources: Sequence[LogSource],
    *,
    now: datetime,
    window: Window = EVERYTHING,
    baseline: Window | None = None,
    progress: Progress | None = None,
) -> LogReport:
    """What the sources say in `window`, compared with `baseline`; most suspicious first.

    Without a baseline, a window that has a start is compared with everything before it, and the
    newest part of a source that is too large with a sample of the rest. `now` gives the year to
    time stamps without one. Raises SourceNotFound or SourceUnreadable.
    """
    return study_logs(sources, now=now, window=window, baseline=baseline, progress=progress).report


def study_logs(
    sources: Sequence[LogSource],
    *,
    now: datetime,
    window: Window = EVERYTHING,
    baseline: Window | None = None,
    progress: Progress | None = None,
) -> LogStudy:
    """As `analyze_logs`, with the tables of all records in the window."""
    from tools.logs.columns.source import SourceAnalysis

    started = perf_counter()
    if baseline is None and window.start is not None:
        baseline = Window(None, window.start)
    summaries: list[SourceSummary] = []
    findings: list[LogFinding] = []
    tables: list[SourceTable] = []
    for source in sources:
        # One after the other: the text of a source is in memory while it is analysed.
        analysis = SourceAnalysis(source, RecordParser(now), window, baseline, progress)
        summaries.append(analysis.summary())
        findings.extend(analysis.findings(_MAX_FINDINGS))
        tables.append(analysis.table)
    findings.sort(key=lambda finding: (-finding.suspicion, finding.first or now, finding.line))
    report = LogReport(
        tuple(summaries),
        tuple(findings[:_MAX_FINDINGS]),
        sum(summary.template_count for summary in summaries),
        perf_counter() - started,
    )
    return LogStudy(report, tuple(tables))
