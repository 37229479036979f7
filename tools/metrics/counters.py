"""Counters: which series only count up, and their rate per second.

A counter's own value says nothing; its rate does, and so does a reset: the process that counted
began again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from tools.metrics.series import FloatArray, Series

_COUNTER_NAME = re.compile(r"_(?:total|count|sum|bucket)$")
_MIN_SAMPLES = 3
_MAX_FALLING_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """The rate of a counter, and the times (epoch seconds) at which it began again."""

    series: Series
    reset_times: FloatArray


def has_counter_name(name: str) -> bool:
    """Whether the name ends as those of counters do: `_total`, `_count`, `_sum`, `_bucket`."""
    return bool(_COUNTER_NAME.search(name))


def is_counter(series: Series) -> bool:
    """Whether it counts up: by its kind, or by a counter's name that its values do not contradict.

    A `queue_count` that falls as often as it rises is a gauge in spite of its name.
    """
    if series.kind == "counter":
        return True
    if series.kind != "gauge" or not has_counter_name(series.name):
        return False
    steps = np.diff(series.values[np.isfinite(series.values)])
    moving = np.count_nonzero(steps)
    return bool((steps < 0).sum() <= max(1, _MAX_FALLING_SHARE * moving)) and bool(
        np.nanmin(series.values, initial=0.0) >= 0
    )


def to_rates(counter: Series) -> Rates | None:
    """The rate between each two samples, at the later one; None with fewer than 3 samples.

    How much was counted before a reset is not known: the rate before it is taken to have gone on.
    """
    kept = np.isfinite(counter.values)
    times, values = counter.times[kept], counter.values[kept]
    if len(times) < _MIN_SAMPLES:
        return None
    steps = np.diff(values)
    resets = steps < 0
    per_second = steps / np.diff(times)
    # The last place without a reset, for each place.
    steady = np.maximum.accumulate(np.where(resets, -1, np.arange(len(steps))))
    per_second = np.where(steady >= 0, per_second[steady], 0.0)
    rates = replace(
        counter,
        times=times[1:],
        values=per_second,
        samples=values[1:],
        offsets=counter.offsets[kept][1:] if counter.offsets is not None else None,
        kind="rate",
    )
    return Rates(rates, times[1:][resets])
