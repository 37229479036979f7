"""`Series`: one metric with one set of labels over time, from whichever source it came.

What a counter or a histogram means is made of it elsewhere; this module only holds figures and the
place where each one stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tools.metrics.labels import render_series_name

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
SeriesKind = Literal["gauge", "counter", "rate", "quantile", "share"]
_LARGEST = 1e100


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric over time.

    `times` are epoch seconds (UTC), ascending, each once. `values` are what is judged and may hold
    NaN or infinities; `samples` are what the source itself holds at those times (a rate's counter),
    `offsets` the byte where each stands in its file, None where there is no file. All have one
    length. `source` is the file's name, or the query that was answered. A "share" is 1 when full.
    A partial one has holes because not all of it was read.
    """

    name: str
    labels: Mapping[str, str]
    times: FloatArray
    values: FloatArray
    source: str
    samples: FloatArray
    kind: SeriesKind = "gauge"
    offsets: IntArray | None = None
    is_partial: bool = False

    @property
    def title(self) -> str:
        """Name and labels in canonical form."""
        return render_series_name(self.name, self.labels)

    def __len__(self) -> int:
        return len(self.times)


def tamed(series: Series) -> Series:
    """`series` with NaN for values that cannot be reckoned with: infinite or absurdly large."""
    with np.errstate(invalid="ignore"):
        usable = np.abs(series.values) < _LARGEST
    if usable.all():
        return series
    return replace(series, values=np.where(usable, series.values, np.nan))


def utc(time: float) -> datetime:
    """Epoch seconds as an aware time."""
    return datetime.fromtimestamp(time, UTC)


def render_sample(name: str, labels: Mapping[str, str], value: float, time: float) -> str:
    """`name{a="b"} 12.5 @ 2025-01-31T12:00:00Z`: a sample as one line of text."""
    moment = utc(time)
    seconds = "milliseconds" if moment.microsecond else "seconds"
    stamp = moment.isoformat(timespec=seconds).replace("+00:00", "Z")
    return f"{render_series_name(name, labels)} {render_number(value)} @ {stamp}"


def render_number(value: float) -> str:
    """The shortest text that reads back as `value`, as Prometheus writes it: `12`, `+Inf`."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value)).removesuffix(".0")
