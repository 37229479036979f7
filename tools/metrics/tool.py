"""The metric tools as the agent calls them: names and text in, a `ToolResult` out.

Every answer says what was looked at, over which range, and what was not. Errors that a caller can
mend (a bad query, an unknown name) are results, too.
"""

from __future__ import annotations

import numpy as np

from tools.errors import InvalidQuery, ToolsError
from tools.evidence import Finding
from tools.metrics.backend import Deadline, MetricBackend, Reading, Span
from tools.metrics.names import fitting_names
from tools.metrics.report import (
    alert_findings,
    change_finding,
    format_range,
    format_time,
    profile_note,
    target_findings,
)
from tools.metrics.series import Series, utc
from tools.metrics.survey import MetricSurvey, judge, survey
from tools.result import Status, ToolResult, error_result
from tools.window import EVERYTHING, Window

_MAX_NAMES = 20
_MAX_NOTES = 5
_QUIET = 0.1


def survey_metrics(
    backend: MetricBackend,
    window: Window,
    baseline: Window | None = None,
    query: str = "",
    limit: int = 8,
    *,
    timeout_s: float = 10.0,
) -> ToolResult:
    """What stands out in all metrics: firing alerts, targets that are down, then changes.

    Metrics that share words with `query` come first. At most `limit` findings.
    """
    try:
        found = survey(backend, window, baseline, query, timeout_s=timeout_s)
        findings = _survey_findings(backend, found)
    except ToolsError as error:
        return error_result(error)
    shown = tuple(findings[:limit])
    summary = _survey_summary(backend, found)
    if not found.is_complete and not found.num_series and not shown:
        return ToolResult(Status.ERROR, summary)
    status = Status.OK if shown else Status.NO_DATA
    return ToolResult(status, summary, shown, len(findings) - len(shown))


def query_metrics(
    backend: MetricBackend,
    query: str,
    window: Window,
    baseline: Window | None = None,
    limit: int = 5,
    *,
    timeout_s: float = 10.0,
) -> ToolResult:
    """The answer to `query` (PromQL or a metric's name), summarised; at most `limit` series."""
    deadline = Deadline.after(timeout_s)
    try:
        if not query.strip():
            raise InvalidQuery("no metric was named", "search for its name first")
        span = backend.span(window, baseline, deadline)
        reading = backend.query(query.strip(), span, deadline)
        where = f"{query.strip()} in {backend.name}, {format_range(span)}"
        findings = _query_findings(backend, reading, span)
    except ToolsError as error:
        return error_result(error)
    notes = reading.notes[:_MAX_NOTES]
    if not findings:
        return ToolResult(Status.NO_DATA, "\n".join([f"{where}: no samples.", *notes]))
    lines = [f"{where}: {len(reading.series):,} series.", *notes]
    shown = tuple(findings[:limit])
    return ToolResult(Status.OK, "\n".join(lines), shown, len(findings) - len(shown))


def search_metric_names(
    backend: MetricBackend, words: str, window: Window = EVERYTHING, *, timeout_s: float = 5.0
) -> ToolResult:
    """The names of metrics that share words with `words`, with kind, series and description."""
    deadline = Deadline.after(timeout_s)
    try:
        span = backend.span(window, None, deadline)
        families = {family.name: family for family in backend.families(span, deadline)}
    except ToolsError as error:
        return error_result(error)
    helps = {name: family.help for name, family in families.items()}
    names = fitting_names(words, families, helps)
    head = f"Searched {len(families):,} metric names of {backend.name} for {words!r}"
    if not names:
        return ToolResult(Status.NO_DATA, f"{head}: none fits.")
    lines = [f"{head}: {len(names):,} fit."]
    for name in names[:_MAX_NAMES]:
        family = families[name]
        number = "" if family.num_series is None else f", {family.num_series:,} series"
        about = f": {family.help}" if family.help else ""
        lines.append(f"{name} ({family.kind}{number}){about}")
    omitted = max(0, len(names) - _MAX_NAMES)
    return ToolResult(Status.OK, "\n".join(lines), (), omitted)


def _survey_findings(backend: MetricBackend, found: MetricSurvey) -> list[Finding]:
    """Alerts and targets before changes, each by suspicion; quiet alerts last."""
    first = alert_findings(backend, found.alerts, found.span)
    first += target_findings(backend, found.targets.down)
    loud = [finding for finding in first if finding.suspicion >= 0.3]
    quiet = [finding for finding in first if finding.suspicion < 0.3]
    changes = [change_finding(backend, change) for change in found.changes[:_MAX_NAMES]]
    return [*loud, *changes, *quiet]


def _survey_summary(backend: MetricBackend, found: MetricSurvey) -> str:
    span = found.span
    against = ""
    if span.start < span.window_start:
        against = f", compared with the time since {format_time(utc(span.start))}"
    head = (
        f"Surveyed the metrics of {backend.name}, {format_range(span)}{against}: "
        f"{found.num_metrics:,} metrics, {found.num_series:,} series."
    )
    firing = sum(alert.is_firing and alert.until is None for alert in found.alerts)
    lines = [
        head,
        f"alerts firing: {firing}; targets down: {len(found.targets.down)} of "
        f"{found.targets.total}; changes: {len(found.changes):,}",
    ]
    if found.num_series and not found.changes:
        lines[-1] += ", no metric that was looked at left its usual range"
    if found.num_unread:
        lines.append(f"not looked at: {found.num_unread:,} metrics")
    return "\n".join([*lines, *found.notes[:_MAX_NOTES]])


def _query_findings(backend: MetricBackend, reading: Reading, span: Span) -> list[Finding]:
    """Each change and each quiet series as a finding: changed ones first, then the largest."""
    judged = judge(reading.series, span)
    quiet = sorted((one for one in judged.quiet if len(one)), key=_last_value, reverse=True)
    findings = [change_finding(backend, change) for change in judged.changes[:_MAX_NAMES]]
    findings.extend(_quiet_finding(backend, one) for one in quiet[:_MAX_NAMES])
    return findings


def _last_value(series: Series) -> float:
    known = series.values[np.isfinite(series.values)]
    return float(known[-1]) if len(known) else float("-inf")


def _quiet_finding(backend: MetricBackend, series: Series) -> Finding:
    quotation = backend.quote(series, len(series) - 1)
    note = profile_note(series)
    return Finding("metric", series.source, quotation.text, quotation.line, note, _QUIET)
