"""The log tools as the agent calls them: names and text in, a `ToolResult` out.

Every answer says what was read, over which range and with which filter. Errors that a caller can
mend (an unknown source, a bad pattern) are results, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from tools.errors import SourceNotFound, ToolsError
from tools.evidence import Finding
from tools.logs.analysis import Progress, analyze_logs
from tools.logs.report import (
    MAX_TEXT_CHARS,
    LogReport,
    format_span,
    format_time,
    summarize,
    to_findings,
)
from tools.logs.search import LogMatch, LogMatches, search_logs
from tools.result import Status, ToolResult, error_result
from tools.scope import LogSource, Scope
from tools.window import EVERYTHING, Window, baseline_before, window_since

_MAX_NAMES = 20
_ANY_LINE = r"\S"
_MAX_CONTEXT_CHARS = 1200


@dataclass(frozen=True, slots=True)
class LogAnalysis:
    """An analysis that ran: its result for the ledger, and the report, if it came to one."""

    result: ToolResult
    report: LogReport | None = None


def analyze_logs_tool(
    scope: Scope,
    source: str = "",
    since: str = "",
    baseline: str = "",
    *,
    limit: int = 8,
    progress: Progress | None = None,
) -> ToolResult:
    """What stands out in the log `source` (all logs when empty), at most `limit` findings.

    `since` (`30m`) is how far back to look, `baseline` (`2h`) how much before that to compare with.
    """
    try:
        window = window_since(scope.now, since)
        before = baseline_before(window, baseline)
    except ToolsError as error:
        return error_result(error)
    return analyze_scope(scope, source, window, before, limit=limit, progress=progress).result


def analyze_scope(
    scope: Scope,
    source: str = "",
    window: Window = EVERYTHING,
    baseline: Window | None = None,
    *,
    limit: int = 8,
    progress: Progress | None = None,
) -> LogAnalysis:
    """What stands out in `window` in the log `source` (all logs when empty), compared with
    `baseline`: at most `limit` findings, and the whole report."""
    try:
        sources = _sources(scope, source)
        report = analyze_logs(
            sources,
            now=scope.now,
            window=window,
            baseline=baseline,
            depends_on=scope.depends_on,
            progress=progress,
        )
    except ToolsError as error:
        return LogAnalysis(error_result(error))
    findings = to_findings(report, limit)
    read = sum(summary.lines for summary in report.sources)
    status = Status.OK if findings else Status.NO_DATA
    head = f"Analysed {_named(sources)}, {_range(window)}: {read:,} lines."
    omitted = max(0, report.template_count - len(findings))
    summary = f"{head}\n{summarize(report)}"
    return LogAnalysis(ToolResult(status, summary, findings, omitted), report)


def search_logs_tool(
    scope: Scope,
    source: str,
    pattern: str,
    since: str = "",
    *,
    window: Window | None = None,
    limit: int = 10,
    context: int = 0,
) -> ToolResult:
    """The newest `limit` lines of the log `source` (all logs when empty) that match `pattern`."""
    try:
        sources = _sources(scope, source)
        window = window or window_since(scope.now, since)
        results = _search(scope, sources, pattern, window, limit, context)
    except ToolsError as error:
        return error_result(error)
    total = sum(result.total for result in results)
    findings = _match_findings(results, limit)
    where = f"Searched {_named(sources)} for {pattern!r} (case-insensitive), {_range(window)}"
    if not total:
        read = sum(result.searched_lines for result in results)
        return ToolResult(Status.NO_DATA, f"{where}: no match in {read:,} lines.")
    lines = [f"{where}: {total:,} matching lines."]
    lines.extend(_match_line(result) for result in results if result.total)
    return ToolResult(Status.OK, "\n".join(lines[:_MAX_NAMES]), findings, total - len(findings))


def tail_logs_tool(scope: Scope, window: Window = EVERYTHING, *, limit: int = 10) -> ToolResult:
    """The newest `limit` lines of all logs, in the order of time, whatever they say."""
    try:
        sources = _sources(scope, "")
        results = _search(scope, sources, _ANY_LINE, window, limit)
    except ToolsError as error:
        return error_result(error)
    total = sum(result.total for result in results)
    where = f"Read {_named(sources)}, {_range(window)}"
    if not total:
        return ToolResult(Status.NO_DATA, f"{where}: there are no log lines (empty).")
    findings = tuple(
        replace(finding, note="", suspicion=0.0) for finding in _match_findings(results, limit)
    )
    times = [match.time for result in results for match in result.matches if match.time]
    span = format_span(min(times), max(times)) if times else ""
    what = f"{where}: the last {len(findings):,} of {total:,} lines{span and f', {span}'}."
    return ToolResult(Status.OK, what, findings, total - len(findings))


def unknown_name(kind: str, name: str, known: Sequence[str]) -> SourceNotFound:
    """The error for a name that does not exist: what is close to it, and what there is."""
    if not known:
        return SourceNotFound(f"there is no {kind} {name!r}", f"no {kind} is available here")
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join(known[:_MAX_NAMES])
    more = f" and {len(known) - _MAX_NAMES} more" if len(known) > _MAX_NAMES else ""
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return SourceNotFound(f"there is no {kind} {name!r}", f"{meant}there are: {listed}{more}")


def _sources(scope: Scope, name: str) -> list[LogSource]:
    if name in scope.logs:
        return [scope.logs[name]]
    if not name and scope.logs:
        return list(scope.logs.values())
    raise unknown_name("log", name, list(scope.logs))


def _search(
    scope: Scope,
    sources: Sequence[LogSource],
    pattern: str,
    window: Window,
    limit: int,
    context: int = 0,
) -> list[LogMatches]:
    return [
        search_logs(log, pattern, now=scope.now, window=window, context=context, limit=limit)
        for log in sources
    ]


def _named(sources: Sequence[LogSource]) -> str:
    names = [source.name for source in sources]
    if len(names) > 5:
        return f"{len(names)} logs ({', '.join(names[:5])}, …)"
    return ", ".join(names)


def _range(window: Window) -> str:
    if window.end is not None:
        return f"{format_time(window.start) or 'its beginning'} to {format_time(window.end)}"
    return f"since {format_time(window.start)}" if window.start else "its whole length"


def _match_line(result: LogMatches) -> str:
    span = format_span(result.first, result.last)
    notes = "".join(f"; {note}" for note in result.notes)
    return f"{result.source}: {result.description}{', ' + span if span else ''}{notes}"


def _match_findings(results: Sequence[LogMatches], limit: int) -> tuple[Finding, ...]:
    found = [(match.time, result, match) for result in results for match in result.matches]
    # The newest over all sources, in the order of time; without times, in the order of sources.
    if all(time is not None for time, _, _ in found):
        found.sort(key=lambda item: item[0] or datetime.min)
    return tuple(_match_finding(result, match) for _, result, match in found[-limit:])


def _match_finding(result: LogMatches, match: LogMatch) -> Finding:
    around = (*match.before, match.line, *match.after)
    text = "\n".join(line.text for line in around)
    if len(text) > _MAX_CONTEXT_CHARS:
        # Cutting lines in the middle would leave a text that stands nowhere.
        text = match.line.text[:MAX_TEXT_CHARS]
    note = f"matches {result.pattern!r}"
    return Finding("log", result.source, text, match.line.number, note, 0.5)
