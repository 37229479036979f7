"""Alerts and targets as Prometheus records them: the series `ALERTS` and `up`.

They tell of the past, which the lists of alerts and targets do not, and where there are no lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tools.metrics.backend import Alert, Sample, Span, Target, Targets
from tools.metrics.gaps import find_gap
from tools.metrics.series import Series, utc

ALERTS = "ALERTS"
UP = "up"
_STATE = "alertstate"


def alerts_of(series: Iterable[Series], span: Span) -> list[Alert]:
    """The alerts of the `ALERTS` series that are active within the window."""
    return [alert for one in series for alert in _alerts(one, span)]


def targets_of(series: Iterable[Series]) -> Targets:
    """The targets of the `up` series by their last sample."""
    known = [one for one in series if len(one)]
    down = [one for one in known if one.values[-1] == 0]
    return Targets(len(known), tuple(_target(one) for one in down))


def _target(one: Series) -> Target:
    return Target(one.labels, "", utc(one.times[-1]), Sample(one, len(one) - 1))


def _alerts(one: Series, span: Span) -> Iterator[Alert]:
    active = one.times[np.isfinite(one.values) & (one.values != 0)]
    if not len(active) or active[-1] < span.window_start:
        return
    gap = find_gap(active, span.end)
    is_over = gap is not None and gap.until is None
    # It may have fired before: only the last time counts.
    start = gap.until if gap is not None and gap.until is not None else 0
    labels = {label: value for label, value in one.labels.items() if label != _STATE}
    yield Alert(
        labels,
        is_firing=one.labels.get(_STATE, "firing") == "firing",
        since=utc(active[start]),
        until=utc(active[-1]) if is_over else None,
        sample=Sample(one, int(np.searchsorted(one.times, active[start]))),
    )
