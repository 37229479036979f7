"""Metrics as evidence: alerts, targets and changes as findings, and the lines of a summary.

`text` is a sample or a list's entry in its source's own form, `note` what code worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from tools.evidence import Finding
from tools.metrics.backend import Alert, MetricBackend, Quotation, Sample, Span, Target
from tools.metrics.changes import MetricChange
from tools.metrics.folding import common_labels
from tools.metrics.labels import render_series_name
from tools.metrics.series import Series, render_number, render_sample, utc

_MAX_NAMED = 4
_MAX_TEXT_CHARS = 600
_SEVERITIES = {"critical": 0.92, "page": 0.92, "error": 0.88, "high": 0.88, "warning": 0.75}
_UNRATED = 0.7
_QUIET = 0.15
_DOWN = 0.85
_PENDING_FACTOR = 0.7
_RESOLVED_FACTOR = 0.8
_LONG_FACTOR = 0.85


def alert_findings(backend: MetricBackend, alerts: Sequence[Alert], span: Span) -> list[Finding]:
    """One finding for each alert name and severity, most suspicious first."""
    alike: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        labels = alert.labels
        alike.setdefault((labels.get("alertname", ""), _severity(alert)), []).append(alert)
    findings = [_alert_finding(backend, group, span) for group in alike.values()]
    return sorted(findings, key=lambda finding: -finding.suspicion)


def target_findings(backend: MetricBackend, down: Sequence[Target]) -> list[Finding]:
    """One finding for each job with targets that are down."""
    by_job: dict[str, list[Target]] = {}
    for target in down:
        by_job.setdefault(target.labels.get("job", ""), []).append(target)
    return [_target_finding(backend, targets) for targets in by_job.values()]


def change_finding(backend: MetricBackend, change: MetricChange) -> Finding:
    """The change as evidence. Raises SourceUnreadable when its sample cannot be read again."""
    quotation = backend.quote(change.series, change.index)
    return Finding(
        "metric",
        change.series.source,
        quotation.text,
        quotation.line,
        describe(change),
        round(min(1.0, change.suspicion), 3),
        change.at,
    )


def describe(change: MetricChange) -> str:
    """The change in words: what, when, before and after, now, extremes, shape."""
    parts = [_headline(change), change.detail, _range_of(change), _others(change)]
    return "; ".join(part for part in (*parts, change.sparkline) if part)


def profile_note(series: Series) -> str:
    """A series to which nothing happened in words: its value, extremes, mean and shape."""
    probe = MetricChange("shift", series, 0, utc(0), 0.0, 0.0, 0.0, 0.0)
    known = series.values[np.isfinite(series.values)]
    bad = len(series) - len(known)
    strange = f"{bad:,} of {len(series):,} values are NaN or infinite" if bad else ""
    if not len(known):
        return f"no usable value: {strange}" if strange else "no samples"
    if known.min() == known.max():
        parts = [f"constant at {probe.format(float(known[-1]))}", strange]
    else:
        mean = f"mean {probe.format(float(known.mean()))}"
        parts = [
            "no change beyond its usual range",
            _range_of(probe),
            mean,
            strange,
            probe.sparkline,
        ]
    return "; ".join(part for part in parts if part)


def format_time(time: datetime) -> str:
    """`2025-11-20 12:00:00Z`."""
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def format_range(span: Span) -> str:
    """`2025-11-20 12:00:00Z to 2025-11-20 13:00:00Z` of the window."""
    return f"{format_time(utc(span.window_start))} to {format_time(utc(span.end))}"


def _headline(change: MetricChange) -> str:
    at = format_time(change.at)
    before, after = change.format(change.before), change.format(change.after)
    match change.kind:
        case "shift":
            back = f", back since {format_time(change.until)}" if change.until else ""
            return f"{change.direction} from {before} to {after} at {at}{_ratio(change)}{back}"
        case "spike":
            back = f" until {format_time(change.until)}" if change.until else ""
            return f"spike from {before} to {after} at {at}{back}"
        case "restarted":
            return f"began again at {at}: what counts it was restarted"
        case "stopped":
            return f"stopped at {at}, last value {before}"
        case "hole":
            return f"no samples from {at} to {format_time(change.until or change.at)}"
        case "full":
            return f"at its limit since {at}"
        case "ceiling":
            return f"reached {after} at {at}"
        case "filling":
            return f"heading for its limit, {change.direction} from {before} to {after}"


def _ratio(change: MetricChange) -> str:
    low, high = sorted((abs(change.before), abs(change.after)))
    if not low or high / low < 1.5 or high / low > 1e6:
        return ""
    return f" ({high / low:.3g} times)" if change.direction == "rose" else f" (1/{high / low:.3g})"


def _range_of(change: MetricChange) -> str:
    series = change.series
    known = np.isfinite(series.values)
    times, values = series.times[known], series.values[known]
    low, high = int(values.argmin()), int(values.argmax())
    if values[low] == values[high]:
        return ""
    shown = [f"now {change.format(float(values[-1]))}"] if change.kind != "stopped" else []
    for word, place in (("lowest", low), ("highest", high)):
        shown.append(
            f"{word} {change.format(float(values[place]))} at {utc(times[place]):%H:%M:%S}Z"
        )
    return ", ".join(shown)


def _others(change: MetricChange) -> str:
    if not change.others:
        return ""
    every = (change.series, *change.others)
    shared = common_labels(every)
    where = f", all with {render_series_name('', shared)}" if shared else ""
    names = list(dict.fromkeys(one.name for one in every))
    if len(names) > 1:
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        return f"{len(every):,} series of {', '.join(names[:_MAX_NAMED])}{more}{where}"
    told = [_distinction(one.labels, shared) for one in change.others[:_MAX_NAMED]]
    more = (
        f" and {len(change.others) - _MAX_NAMED:,} more" if len(change.others) > _MAX_NAMED else ""
    )
    return f"in {len(every):,} series{where}, also {', '.join(told)}{more}"


def _distinction(labels: Mapping[str, str], shared: Mapping[str, str]) -> str:
    own = {label: value for label, value in labels.items() if label not in shared}
    return render_series_name("", own)


def _severity(alert: Alert) -> str:
    return alert.labels.get("severity", "").lower()


def _alert_finding(backend: MetricBackend, group: Sequence[Alert], span: Span) -> Finding:
    first = min(group, key=_since)
    labels = {**first.labels, "alertstate": "firing" if first.is_firing else "pending"}
    source, quotation = _quoted(backend, first.sample, "ALERTS", labels, 1.0, first.since)
    lines = [quotation.text]
    lines.extend(f"{name}: {' '.join(text.split())}" for name, text in first.annotations.items())
    return Finding(
        "metric",
        source or "alerts",
        "\n".join(lines)[:_MAX_TEXT_CHARS],
        quotation.line,
        _alert_note(first, group),
        round(max(_alert_suspicion(alert, span) for alert in group), 3),
    )


def _quoted(
    backend: MetricBackend,
    sample: Sample | None,
    name: str,
    labels: Mapping[str, str],
    value: float,
    time: datetime | None,
) -> tuple[str, Quotation]:
    """Source and text of what was recorded; what a server only lists in the form of a sample."""
    if sample is not None:
        return sample.series.source, backend.quote(sample.series, sample.index)
    if time is None:
        return "", Quotation(f"{render_series_name(name, labels)} {render_number(value)}")
    return "", Quotation(render_sample(name, labels, value, time.timestamp()))


def _since(alert: Alert) -> float:
    return alert.since.timestamp() if alert.since else float("inf")


def _alert_note(first: Alert, group: Sequence[Alert]) -> str:
    state = "alert firing" if first.is_firing else "alert pending"
    if first.until:
        state = f"alert fired until {format_time(first.until)}"
    since = f" since {format_time(first.since)}" if first.since else ""
    many = f"; {len(group):,} alerts of this name" if len(group) > 1 else ""
    return f"{state}{since}{many}"


def _alert_suspicion(alert: Alert, span: Span) -> float:
    severity = _severity(alert)
    suspicion = _SEVERITIES.get(severity, _QUIET if severity in ("none", "info") else _UNRATED)
    if not alert.is_firing:
        suspicion *= _PENDING_FACTOR
    if alert.until:
        suspicion *= _RESOLVED_FACTOR
    is_long = alert.since is not None and alert.since.timestamp() < span.start
    return suspicion * (_LONG_FACTOR if is_long else 1.0)


def _target_finding(backend: MetricBackend, targets: Sequence[Target]) -> Finding:
    first = targets[0]
    source, quotation = _quoted(backend, first.sample, "up", first.labels, 0.0, first.last_scrape)
    error = f"\nlastError: {' '.join(first.error.split())}" if first.error else ""
    named = ", ".join(t.labels.get("instance", "?") for t in targets[1 : 1 + _MAX_NAMED])
    more = f"; also down: {named}" if named else ""
    note = f"{len(targets):,} target{'s' if len(targets) > 1 else ''} down{more}"
    text = (quotation.text + error)[:_MAX_TEXT_CHARS]
    return Finding("metric", source or "targets", text, quotation.line, note, _DOWN)
