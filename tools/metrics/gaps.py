"""Gaps: samples that did not come, a scrape that went away, a writer that stopped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.metrics.series import FloatArray

_MIN_SAMPLES = 4
_MISSING = 4.0


@dataclass(frozen=True, slots=True)
class Gap:
    """No sample after the one at index `last`; `until` is the index of the next one, None without.

    `length_s` is how long nothing came.
    """

    last: int
    until: int | None
    length_s: float


def find_gap(times: FloatArray, end: float) -> Gap | None:
    """The end of the samples when they stopped before `end`, else the longest hole; or None.

    Judged by the series' own usual interval: four of them without a sample are a gap.
    """
    if len(times) < _MIN_SAMPLES:
        return None
    steps = np.diff(times)
    longest_usual = _MISSING * float(np.median(steps))
    if end - times[-1] > longest_usual:
        return Gap(len(times) - 1, None, float(end - times[-1]))
    widest = int(steps.argmax())
    if steps[widest] > longest_usual:
        return Gap(widest, widest + 1, float(steps[widest]))
    return None
