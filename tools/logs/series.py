"""Series: how one number in a log moves over time.

Values are folded into fewer than 128 stretches of equal count, each with its mean and range, which
is enough to tell a leak, a step or a spike from noise. Which numbers are worth following, and how
many of their values, is decided by others; this module only knows figures.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Literal

from tools.logs.drift import MIN_RATIO, Drift, Stretch, ratio
from tools.logs.reader import LogLine

MIN_VALUES = 6
"""Fewer values show no drift."""

_MIN_TREND_VALUES = 12
_MIN_STEP_VALUES = 3  # on each side
_MIN_STEP_RATIO = 3.0

_LARGEST = 1e18
_MAX_STRETCHES = 128
_MIN_TREND = 0.8
_MIN_JUMP_RATIO = 3.0
_NOISE_FACTOR = 4.0
_MIN_COUNTER_STEPS = 5
_MIN_COUNTER_SHARE = 0.1
_MAX_MISSES = 2
_MAX_HEAD = 12


class Series:
    """The values of one number in the order of the log, and where each of them stood."""

    __slots__ = ("_lines", "_times", "_values")

    def __init__(self) -> None:
        self._values: list[float] = []
        self._times: list[datetime | None] = []
        self._lines: list[LogLine] = []

    def add(self, value: float, time: datetime | None, line: LogLine) -> None:
        """Append one value and where it stood; NaN and the absurdly large are left out."""
        if -_LARGEST < value < _LARGEST:
            self._values.append(value)
            self._times.append(time)
            self._lines.append(line)

    @property
    def is_counter(self) -> bool:
        """Whether it only ever counts up, in many steps: a sequence number, a clock, a progress."""
        steps = list(map(operator.sub, self._values[1:], self._values))
        rises, falls = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
        is_rising = falls <= 0.02 * rises or (
            max(map(abs, steps), default=0) <= 1 and rises - falls >= _MIN_COUNTER_STEPS
        )
        return is_rising and rises >= max(
            _MIN_COUNTER_STEPS, _MIN_COUNTER_SHARE * len(self._values)
        )

    def drift(self) -> Drift | None:
        """The lasting change in the values, or None when they only vary."""
        if len(self._values) < MIN_VALUES:
            return None
        means = [fmean(self._values[start:end]) for start, end in self._spans()]
        if len(means) < _MIN_TREND_VALUES:
            return self._step(means)
        tenth = max(2, len(means) // 10)
        head, tail = median(means[:tenth]), median(means[-tenth:])
        is_back = ratio(head, tail) < MIN_RATIO
        if not is_back and abs(_trend(means)) >= _MIN_TREND:
            return self._drift(head, tail, "rose" if tail > head else "fell", tenth)
        jump = _longest_jump(means, head)
        if jump is None:
            return None
        return self._drift(head, jump, "rose", tenth, returned=is_back or tail < head)

    def _drift(
        self,
        head: float,
        reached: float,
        direction: Literal["rose", "fell"],
        begun: int,
        returned: bool = False,
    ) -> Drift:
        """The change from `head`, the median of the first `begun` stretches."""
        stretches = [self._stretch(start, end) for start, end in self._spans()]
        # The last of equal ones; what it began with is what it left.
        later = [stretch.mean for stretch in stretches[begun:]]
        top = max(later) if direction == "rose" else min(later)
        peak = len(stretches) - 1 - later[::-1].index(top)
        return Drift(
            direction,
            returned,
            head,
            self._values[0],
            self._times[0],
            self._values[-1],
            self._times[-1],
            min(self._values),
            max(self._values),
            stretches[peak],
            min(1.0, math.log10(ratio(head, reached)) / 2),
            len(self._values),
            *_outside(stretches, direction, peak),
        )

    def _step(self, means: Sequence[float]) -> Drift | None:
        """A step up in a few values: all late ones are far above all early ones."""
        for place in range(_MIN_STEP_VALUES, len(means) - _MIN_STEP_VALUES + 1):
            before, after = max(means[:place]), min(means[place:])
            if before > 0 and after >= _MIN_STEP_RATIO * before:
                return self._drift(median(means[:place]), median(means[place:]), "rose", place)
        return None

    def _spans(self) -> list[tuple[int, int]]:
        """Where stretches begin and end; the last one has what is too little for one of its own."""
        size = 1
        while len(self._values) // size >= _MAX_STRETCHES:
            size *= 2
        starts = range(0, len(self._values) - size + 1, size)
        return list(pairwise([*starts, len(self._values)]))

    def _stretch(self, start: int, end: int) -> Stretch:
        values = self._values[start:end]
        return Stretch(
            fmean(values),
            min(values),
            max(values),
            self._times[start],
            self._times[end - 1],
            self._lines[end - 1],
        )


def _outside(
    stretches: Sequence[Stretch], direction: Literal["rose", "fell"], peak: int
) -> tuple[tuple[float, float], datetime | None, datetime | None]:
    """The band of the values before the change, and when the number was out of it."""
    band = _band(stretches[: max(_MIN_STEP_VALUES, min(len(stretches) // 4, _MAX_HEAD))])
    is_out = [
        stretch.mean > band[1] if direction == "rose" else stretch.mean < band[0]
        for stretch in stretches
    ]
    if not is_out[peak]:
        return band, None, None
    first, last = _run_around(is_out, peak)
    back = stretches[last + 1].start if last + 1 < len(stretches) else None
    return band, stretches[first].start, back


def _trend(means: list[float]) -> float:
    """Spearman's rank correlation of the values with their order, from -1 to 1."""
    count = len(means)
    ranks = _ranks(means)
    middle = (count - 1) / 2
    covariance = sum((rank - middle) * (i - middle) for i, rank in enumerate(ranks))
    spread = sum((rank - middle) ** 2 for rank in ranks) * sum(
        (i - middle) ** 2 for i in range(count)
    )
    return covariance / math.sqrt(spread) if spread else 0.0


def _ranks(values: list[float]) -> list[float]:
    """0-based ranks; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[start]]:
            for position in order[start:end]:
                ranks[position] = (start + end - 1) / 2
            start = end
    return ranks


def _band(stretches: Sequence[Stretch]) -> tuple[float, float]:
    """Where nearly all values of the stretches lie; widened by half, because they are few."""
    lows = sorted(stretch.low for stretch in stretches)
    highs = sorted(stretch.high for stretch in stretches)
    edge = len(stretches) // 10
    low, high = lows[edge], highs[-1 - edge]
    widened = (high - low) / 2
    # What never was negative is not expected to be.
    return max(low - widened, min(0.0, lows[0])), high + widened


def _run_around(is_out: Sequence[bool], place: int) -> tuple[int, int]:
    """First and last place of the run that `place` is in; a few misses do not end it."""
    return (
        place - _reach(is_out[place::-1]),
        place + _reach(is_out[place:]),
    )


def _reach(is_out: Sequence[bool]) -> int:
    """How far a run goes from its first place."""
    last = 0
    for place, out in enumerate(is_out):
        if out:
            last = place
        elif place - last > _MAX_MISSES:
            break
    return last


def _longest_jump(means: list[float], head: float) -> float | None:
    """The median of the longest run far above `head`, or None when there is no such run."""
    noise = median(abs(later - early) for early, later in pairwise(means))
    threshold = max(head * _MIN_JUMP_RATIO, head + _NOISE_FACTOR * noise)
    longest: list[float] = []
    run: list[float] = []
    for mean in means:
        run = [*run, mean] if mean > threshold else []
        if len(run) > len(longest):
            longest = run
    return median(longest) if len(longest) >= max(3, len(means) // 20) else None
