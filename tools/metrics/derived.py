"""What of a reading is judged: rates of counters, quantiles of histograms, gauges as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tools.metrics.counters import is_counter, to_rates
from tools.metrics.histograms import is_bucket, quantiles
from tools.metrics.series import FloatArray, Series

_NO_TIMES: FloatArray = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A series to judge; `resets` are the times at which its counter began again."""

    series: Series
    resets: FloatArray


def derive(series: Iterable[Series]) -> Iterator[Derived]:
    """The series to judge instead of `series`; buckets become one quantile per histogram."""
    buckets: list[Series] = []
    for one in series:
        if is_bucket(one):
            buckets.append(one)
        elif is_counter(one):
            rates = to_rates(one)
            if rates is not None:
                yield Derived(rates.series, rates.reset_times)
        else:
            yield Derived(one, _NO_TIMES)
    yield from (Derived(one, _NO_TIMES) for one in quantiles(buckets))
