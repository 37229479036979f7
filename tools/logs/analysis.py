"""Analysis of logs: what is in them, and what in them deserves attention.

`analyze_logs` reads each source once, groups its records and follows its numbers, and has what it
found judged against a baseline: the window before, or, where there is none, the logs' own course.
How a source is read and counted is `tools.logs.columns`' business, which is loaded with the first
call; judging is done in `tools.logs.judgement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from tools.logs.records import RecordParser
from tools.logs.report import LogFinding, LogReport, SourceSummary, summarize, to_findings
from tools.scope import LogSource
from tools.window import EVERYTHING, Window

if TYPE_CHECKING:
    from tools.logs.judgement import SourceEvidence

__all__ = [
    "LogFinding",
    "LogReport",
    "SourceSummary",
    "analyze_logs",
    "summarize",
    "to_findings",
]

Progress = Callable[[str, int], None]
"""Called with the source's name and the lines read so far, about every 10,000 lines.

What it raises ends the analysis.
"""

_MAX_FINDINGS = 200
_NO_NEEDS: Mapping[str, Sequence[str]] = MappingProxyType({})


def analyze_logs(
    sources: Sequence[LogSource],
    *,
    now: datetime,
    window: Window = EVERYTHING,
    baseline: Window | None = None,
    depends_on: Mapping[str, Sequence[str]] = _NO_NEEDS,
    progress: Progress | None = None,
) -> LogReport:
    """What the sources say in `window`, compared with `baseline`; most suspicious first.

    Without a baseline, a window that has a start is compared with everything before it, and the
    newest part of a source that is too large with a sample of the rest. `now` gives the year to
    time stamps without one. `depends_on` names the services that each service needs; without it,
    what the logs say outright is taken. Raises SourceNotFound or SourceUnreadable.
    """
    from tools.logs.columns.source import SourceAnalysis
    from tools.logs.judgement import judge

    started = perf_counter()
    if baseline is None and window.start is not None:
        baseline = Window(None, window.start)
    summaries: list[SourceSummary] = []
    evidence: list[SourceEvidence] = []
    for source in sources:
        # One after the other: the text of a source is in memory while it is analysed.
        analysis = SourceAnalysis(source, RecordParser(now), window, baseline, progress)
        summaries.append(analysis.summary())
        evidence.append(analysis.evidence())
    judgement = judge(evidence, depends_on, _MAX_FINDINGS)
    return LogReport(
        tuple(summaries),
        judgement.findings,
        sum(summary.template_count for summary in summaries),
        perf_counter() - started,
        judgement.timeline,
    )
