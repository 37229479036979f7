"""Sparklines: the shape of a series in 24 characters."""

from __future__ import annotations

import numpy as np

from tools.metrics.series import FloatArray

WIDTH = 24
_BARS = "▁▂▃▄▅▆▇█"


def sparkline(times: FloatArray, values: FloatArray) -> str:
    """The means of `values` over equal stretches of time as bars; a blank where there is none."""
    finite = np.isfinite(values)
    times, values = times[finite], values[finite]
    if not len(times):
        return ""
    length = times[-1] - times[0]
    place = (
        ((times - times[0]) / length * WIDTH).astype(int) if length else np.zeros(len(times), int)
    )
    place = np.minimum(place, WIDTH - 1)
    # Fewer values than bars would leave blanks between them that are no gaps.
    width = min(WIDTH, len(times))
    place = place * width // WIDTH
    counts = np.bincount(place, minlength=width)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        means = np.bincount(place, values, minlength=width) / counts
    return "".join(_bars(means))


def _bars(means: FloatArray) -> list[str]:
    known = means[np.isfinite(means)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return [_BARS[round((mean - low) * scale)] if np.isfinite(mean) else " " for mean in means]
