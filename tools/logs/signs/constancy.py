"""Constancy: whether a template kept its rate, and if not, when it began to come more often.

The test is that of Kolmogorov and Smirnov: how far the course of the template is from that of the
time that passed, or of the traffic. What is always there explains nothing that began at noon.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tools.logs.signs.history import Times

MIN_COUNT = 4
"""Fewer records show no rate."""

_CRITICAL = 1.36  # five in a hundred constant courses are farther off by chance
_MIN_DISTANCE = 0.12  # with many records the smallest difference would be significant
_MIN_TRAFFIC = 50
_MAX_OF_TRAFFIC = 0.05
# Of the part of the span that so many random moments cover on average.
_MIN_COVERED = 0.75

Shares = npt.NDArray[np.float64]


def is_constant(times: Times, span: tuple[int, int], traffic: Times) -> bool:
    """Whether records came all through `span` (first and last microsecond) at one rate.

    So does what comes now and then at the rate of `traffic`, the times of the ordinary records of
    its source, even where that covers only a part of the span.
    """
    if len(times) < MIN_COUNT:
        return False
    if _is_even(_share_of_span(times, span)):
        return True
    if len(traffic) < _MIN_TRAFFIC or len(times) > _MAX_OF_TRAFFIC * len(traffic):
        return False
    return _is_even(np.searchsorted(traffic, times) / len(traffic))


def onset(times: Times, span: tuple[int, int]) -> int:
    """When records began to come more often than before: the time of the first such one."""
    lag = _share_of_span(times, span) - np.arange(len(times)) / len(times)
    return int(times[int(np.argmax(lag))])


def _share_of_span(times: Times, span: tuple[int, int]) -> Shares:
    start, end = span
    return (times - start) / max(1, end - start)


def _is_even(shares: Shares) -> bool:
    """Whether ascending numbers from 0 to 1 are spread evenly, as far as chance allows."""
    count = len(shares)
    if shares[-1] - shares[0] < _MIN_COVERED * (count - 1) / (count + 1):
        return False
    ranks = np.arange(count)
    above = (ranks + 1) / count - shares
    below = shares - ranks / count
    distance = float(max(above.max(), below.max()))
    return distance < max(_CRITICAL / math.sqrt(count), _MIN_DISTANCE)
