"""`survey`: one look at all metrics of a backend, ranked; what is behind `survey_metrics`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tools.errors import BackendUnavailable, InvalidQuery
from tools.metrics.backend import Alert, Deadline, Family, MetricBackend, Reading, Span, Targets
from tools.metrics.changes import MetricChange, changes_of
from tools.metrics.derived import derive
from tools.metrics.folding import fold
from tools.metrics.limits import fills
from tools.metrics.meaning import interest_of
from tools.metrics.names import fit, words_of
from tools.metrics.series import Series, tamed
from tools.window import Window

_ALERTS_SHARE = 0.25
# Judging is quick, but not free: some of the time is kept for it.
_JUDGING_SHARE = 0.15
_WORD_BONUS = 0.3
_REPLACED_S = 300.0


@dataclass(frozen=True, slots=True)
class MetricSurvey:
    """What a survey found: alerts, targets, and changes, most suspicious first.

    `num_unread` counts the metrics that time did not allow to look at; `notes` say what else limits
    the survey, which is not complete when something could not be asked.
    """

    span: Span
    alerts: tuple[Alert, ...]
    targets: Targets
    changes: tuple[MetricChange, ...]
    num_metrics: int
    num_series: int
    num_unread: int
    notes: tuple[str, ...]
    is_complete: bool
    duration_s: float


def survey(
    backend: MetricBackend,
    window: Window,
    baseline: Window | None = None,
    query: str = "",
    *,
    timeout_s: float = 10.0,
) -> MetricSurvey:
    """Look at everything in `backend` for at most about `timeout_s` seconds.

    Metrics that share words with `query` are looked at first and rank higher. Raises ToolsError
    when nothing can be read at all.
    """
    started = time.monotonic()
    deadline = Deadline.after(timeout_s)
    span = backend.span(window, baseline, deadline)
    part = deadline.within(_ALERTS_SHARE * timeout_s)
    notes: list[str] = []
    targets = Targets(0, ())
    alerts: Sequence[Alert] = ()
    families: Sequence[Family] = ()
    reading = Reading(())
    try:
        targets = backend.targets(span, part)
        alerts = backend.alerts(span, part)
    except (BackendUnavailable, InvalidQuery) as error:
        notes.append(f"alerts and targets are not known: {error.message}")
    try:
        families = backend.families(span, deadline)
        reading = _read(backend, families, query, span, deadline, timeout_s)
    except (BackendUnavailable, InvalidQuery) as error:
        notes.append(f"metrics were not looked at: {error.message}")
    changes = _ranked(reading.series, query, span)
    return MetricSurvey(
        span,
        tuple(alerts),
        targets,
        tuple(changes),
        len(families),
        len(reading.series),
        len(reading.unread),
        (*notes, *reading.notes),
        not (notes or reading.unread),
        time.monotonic() - started,
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What happened to series, folded, most suspicious first; and those to which nothing did."""

    changes: tuple[MetricChange, ...]
    quiet: tuple[Series, ...]


def judge(series: Sequence[Series], span: Span) -> Judgement:
    """What happened to `series` in the window."""
    series = [tamed(one) for one in series]
    by_series = {id(fill.series): fill for fill in fills(series)}
    found: list[MetricChange] = []
    quiet: list[Series] = []
    for one in derive(series):
        changes = changes_of(one.series, one.resets, by_series.get(id(one.series)), span)
        found.extend(changes)
        if not changes:
            quiet.append(one.series)
    return Judgement(tuple(fold(_not_replaced(found, series), span)), tuple(quiet))


def _read(
    backend: MetricBackend,
    families: Sequence[Family],
    query: str,
    span: Span,
    deadline: Deadline,
    timeout_s: float,
) -> Reading:
    words = words_of(query)

    def interest(family: Family) -> float:
        bonus = fit(words, f"{family.name} {family.help}") if words else 0.0
        return interest_of(family.name) + _WORD_BONUS * bonus

    wanted = sorted((f for f in families if interest(f) > 0), key=interest, reverse=True)
    reading_s = max(0.1, deadline.left_s - _JUDGING_SHARE * timeout_s)
    return backend.read(wanted, span, deadline.within(reading_s))


def _ranked(series: Sequence[Series], query: str, span: Span) -> list[MetricChange]:
    words = words_of(query)
    changes: Sequence[MetricChange] = judge(series, span).changes
    if words:
        changes = [_favoured(change, words) for change in changes]
    return sorted(changes, key=lambda change: -change.suspicion)


def _favoured(change: MetricChange, words: frozenset[str]) -> MetricChange:
    """`change` with more suspicion when it is about what was asked."""
    fitting = fit(words, f"{change.name} {' '.join(change.labels.values())}")
    return replace(change, suspicion=min(0.95, change.suspicion * (1 + _WORD_BONUS * fitting)))


def _not_replaced(
    changes: Iterable[MetricChange], series: Sequence[Series]
) -> Iterable[MetricChange]:
    """Series that stopped while another of the metric began are a change of labels, no silence."""
    starts: dict[str, list[float]] = {}
    for one in series:
        if len(one):
            starts.setdefault(one.name, []).append(float(one.times[0]))
    for change in changes:
        stopped_at = change.at.timestamp()
        first = min(starts.get(change.name, ()), default=stopped_at)
        is_replaced = change.kind == "stopped" and any(
            start > first and abs(start - stopped_at) < _REPLACED_S
            for start in starts.get(change.name, ())
        )
        if is_replaced:
            detail = f"{change.detail}; another series of it began then"
            change = replace(change, suspicion=0.25, strength=0.3, detail=detail)
        yield change
