"""Folding: the same change in many series is one change with the others beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tools.metrics.backend import Span
from tools.metrics.changes import MetricChange
from tools.metrics.series import Series

_MIN_TOLERANCE_S = 10.0
_TOLERANCE_SHARE = 0.02
# It happens to what is measured, not to the metric: all of its metrics show it.
_OF_THE_WHOLE = ("restarted", "stopped", "hole")


def fold(changes: Iterable[MetricChange], span: Span) -> list[MetricChange]:
    """Changes of one kind, metric, direction and time as one; most suspicious first."""
    tolerance_s = max(_MIN_TOLERANCE_S, _TOLERANCE_SHARE * (span.end - span.start))
    alike: dict[tuple[str, ...], list[MetricChange]] = {}
    for change in changes:
        alike.setdefault(_key(change), []).append(change)
    folded = [
        _joined(together)
        for group in alike.values()
        for together in _at_one_time(group, tolerance_s)
    ]
    return sorted(folded, key=lambda change: -change.suspicion)


def common_labels(series: Sequence[Series]) -> Mapping[str, str]:
    """The labels that all of `series` share."""
    first, *rest = (one.labels for one in series)
    shared = set(first.items()).intersection(*(labels.items() for labels in rest))
    return dict(shared)


def _key(change: MetricChange) -> tuple[str, ...]:
    if change.kind in _OF_THE_WHOLE:
        return (change.kind,)
    return (change.kind, change.name, change.direction)


def _at_one_time(
    changes: Sequence[MetricChange], tolerance_s: float
) -> Iterator[list[MetricChange]]:
    together: list[MetricChange] = []
    for change in sorted(changes, key=lambda change: change.at):
        if together and (change.at - together[-1].at).total_seconds() > tolerance_s:
            yield together
            together = []
        together.append(change)
    yield together


def _joined(changes: Sequence[MetricChange]) -> MetricChange:
    best = max(changes, key=lambda change: change.suspicion)
    others = tuple(change.series for change in changes if change is not best)
    return replace(best, others=others) if others else best
