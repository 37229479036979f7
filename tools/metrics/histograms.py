"""Histograms: a quantile over time from cumulative buckets (`_bucket` series with `le`).

The rates of the buckets between two samples say how the observations of that stretch were spread;
the quantile is interpolated inside its bucket, as PromQL's `histogram_quantile` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from tools.metrics.series import FloatArray, Series

QUANTILE = 0.95
_SUFFIX = "_bucket"


def is_bucket(series: Series) -> bool:
    """Whether it is one bucket of a histogram."""
    return series.name.endswith(_SUFFIX) and "le" in series.labels


def quantiles(buckets: Iterable[Series]) -> list[Series]:
    """The 95 % quantile of each histogram over time; one without an infinite bucket is left out.

    A stretch without observations has no value. The result is quoted by the sample of the infinite
    bucket, which counts all observations.
    """
    histograms: dict[tuple[object, ...], dict[float, Series]] = {}
    for bucket in buckets:
        bound = _bound(bucket.labels["le"])
        if bound is not None:
            histograms.setdefault(_key(bucket), {})[bound] = bucket
    found = [_quantile(by_bound) for by_bound in histograms.values()]
    return [series for series in found if series is not None]


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _key(bucket: Series) -> tuple[object, ...]:
    return (bucket.source, bucket.name, *sorted(_without_le(bucket.labels).items()))


def _without_le(labels: Mapping[str, str]) -> dict[str, str]:
    return {label: value for label, value in labels.items() if label != "le"}


def _quantile(by_bound: Mapping[float, Series]) -> Series | None:
    bounds = sorted(by_bound)
    if len(bounds) < 2 or not np.isinf(bounds[-1]):
        return None
    total = by_bound[bounds[-1]]
    if len(total) < 2:
        return None
    counts = np.array([_aligned(by_bound[bound], total.times) for bound in bounds])
    steps = np.diff(counts, axis=1)
    # A reset of the process sets every bucket back.
    steps = np.where(steps[-1] < 0, counts[:, 1:], steps)
    return replace(
        total,
        name=total.name.removesuffix(_SUFFIX),
        labels={**_without_le(total.labels), "quantile": f"{QUANTILE:g}"},
        times=total.times[1:],
        values=_interpolated(np.array(bounds), np.maximum.accumulate(steps, axis=0)),
        samples=total.samples[1:],
        offsets=total.offsets[1:] if total.offsets is not None else None,
        kind="quantile",
    )


def _aligned(bucket: Series, times: FloatArray) -> FloatArray:
    """The bucket's values at `times`, the last known one where a sample is missing."""
    places = np.searchsorted(bucket.times, times, side="right") - 1
    values: FloatArray = np.where(places >= 0, bucket.values[np.maximum(places, 0)], 0.0)
    return values


def _interpolated(bounds: FloatArray, steps: FloatArray) -> FloatArray:
    """The quantile of each column of `steps`: cumulative counts per bound (rows, ascending)."""
    rank = QUANTILE * steps[-1]
    at = (steps >= rank).argmax(axis=0)
    columns = np.arange(steps.shape[1])
    below = np.where(at > 0, steps[at - 1, columns], 0.0)
    start = np.where(at > 0, bounds[at - 1], np.minimum(0.0, bounds[0]))
    # Beyond the last finite bound only that bound is known.
    end = np.where(np.isinf(bounds[at]), start, bounds[at])
    inside = steps[at, columns] - below
    with np.errstate(invalid="ignore", divide="ignore"):
        values: FloatArray = start + (end - start) * (rank - below) / inside
    return np.where(steps[-1] > 0, values, np.nan)
