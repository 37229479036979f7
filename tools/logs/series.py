"""Series: how one number in a log moves over time, in bounded memory.

Values are folded into at most 128 stretches of equal count, each with its mean and range, which is
enough to tell a leak, a step or a spike from noise. Which numbers are worth following is decided by
`tools.logs.numbers`; this module only knows figures.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Literal

from tools.logs.reader import LogLine

MIN_VALUES = 6
"""Fewer values show no drift."""

_MIN_TREND_VALUES = 12
_MIN_STEP_VALUES = 3  # on each side
_MIN_STEP_RATIO = 3.0

_LARGEST = 1e18
_MAX_STRETCHES = 128
_MIN_RATIO = 1.5
_MIN_TREND = 0.8
_MIN_JUMP_RATIO = 3.0
_NOISE_FACTOR = 4.0
_MIN_COUNTER_STEPS = 5
_MIN_COUNTER_SHARE = 0.1
_MAX_MISSES = 2
_MAX_HEAD = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive values: their count, mean and range, and where the last one stood.

    `start` is the time of the first of them, `time` that of the last.
    """

    count: int
    mean: float
    low: float
    high: float
    start: datetime | None
    time: datetime | None
    line: LogLine

    def joined(self, later: Stretch) -> Stretch:
        """This stretch and the one after it as one."""
        count = self.count + later.count
        mean = (self.mean * self.count + later.mean * later.count) / count
        low, high = min(self.low, later.low), max(self.high, later.high)
        return Stretch(count, mean, low, high, self.start, later.time, later.line)


@dataclass(frozen=True, slots=True)
class Drift:
    """A lasting change of a number; `strength` (0 to 1) grows with its ratio.

    `peak` is the stretch that shows the change best. `returned` says that the number jumped and
    was back where it began at the end. `band` is where nearly all values lay before; the number was
    out of it from `left_time` to `return_time`, which is None where it stayed out.
    """

    direction: Literal["rose", "fell"]
    returned: bool
    first: float
    first_time: datetime | None
    last: float
    last_time: datetime | None
    low: float
    high: float
    peak: Stretch
    strength: float
    count: int
    band: tuple[float, float]
    left_time: datetime | None
    return_time: datetime | None


class Series:
    """The values of one number in the order of the log."""

    __slots__ = (
        "_falls", "_first", "_first_time", "_fold_at", "_largest_step", "_last", "_pending",
        "_pending_time", "_rises", "_stretches",
    )  # fmt: skip

    def __init__(self) -> None:
        self._pending: list[float] = []
        self._stretches: list[Stretch] = []
        self._fold_at = 1
        self._rises = 0
        self._falls = 0
        self._largest_step = 0.0
        self._pending_time: datetime | None = None
        self._first: float | None = None
        self._last = math.inf
        self._first_time: datetime | None = None

    def add(self, value: float, time: datetime | None, line: LogLine) -> None:
        """Append one value and where it stood; NaN and the absurdly large are left out."""
        if not -_LARGEST < value < _LARGEST:
            return
        if not self._pending:
            self._pending_time = time
        self._pending.append(value)
        if len(self._pending) >= self._fold_at:
            self._fold(time, line)

    @property
    def is_counter(self) -> bool:
        """Whether it only ever counts up, in many steps: a sequence number, a clock, a progress."""
        is_rising = self._falls <= 0.02 * self._rises or (
            self._largest_step <= 1 and self._rises - self._falls >= _MIN_COUNTER_STEPS
        )
        return is_rising and self._rises >= max(
            _MIN_COUNTER_STEPS, _MIN_COUNTER_SHARE * self._count()
        )

    def drift(self) -> Drift | None:
        """The lasting change in the values, or None when they only vary."""
        self._settle()
        if self._first is None or len(self._stretches) < MIN_VALUES:
            return None
        means = [stretch.mean for stretch in self._stretches]
        if len(means) < _MIN_TREND_VALUES:
            return self._step(means)
        tenth = max(2, len(means) // 10)
        head, tail = median(means[:tenth]), median(means[-tenth:])
        trend = _trend(means)
        if abs(trend) >= _MIN_TREND and _ratio(head, tail) >= _MIN_RATIO:
            return self._drift(head, tail, "rose" if tail > head else "fell")
        jump = _longest_jump(means, head)
        if jump is None:
            return None
        return self._drift(head, jump, "rose", returned=_ratio(head, tail) < _MIN_RATIO)

    def _drift(
        self,
        head: float,
        reached: float,
        direction: Literal["rose", "fell"],
        returned: bool = False,
    ) -> Drift:
        assert self._first is not None
        means = [stretch.mean for stretch in self._stretches]
        top = max(means) if direction == "rose" else min(means)
        peak = len(means) - 1 - means[::-1].index(top)
        return Drift(
            direction,
            returned,
            self._first,
            self._first_time,
            self._last,
            self._stretches[-1].time,
            min(stretch.low for stretch in self._stretches),
            max(stretch.high for stretch in self._stretches),
            self._stretches[peak],
            min(1.0, math.log10(_ratio(head, reached)) / 2),
            self._count(),
            *self._outside(direction, peak),
        )

    def _step(self, means: Sequence[float]) -> Drift | None:
        """A step up in a few values: all late ones are far above all early ones."""
        for place in range(_MIN_STEP_VALUES, len(means) - _MIN_STEP_VALUES + 1):
            before, after = max(means[:place]), min(means[place:])
            if before > 0 and after >= _MIN_STEP_RATIO * before:
                return self._drift(median(means[:place]), median(means[place:]), "rose")
        return None

    def _outside(
        self, direction: Literal["rose", "fell"], peak: int
    ) -> tuple[tuple[float, float], datetime | None, datetime | None]:
        """The band of the values before the change, and when the number was out of it."""
        stretches = self._stretches
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

    def _fold(self, time: datetime | None, line: LogLine) -> None:
        values = self._pending
        if self._first is None:
            self._first, self._first_time = values[0], time
        steps = list(map(operator.sub, values[1:], values))
        if self._stretches:
            steps.append(values[0] - self._last)
        self._rises += sum(step > 0 for step in steps)
        self._falls += sum(step < 0 for step in steps)
        self._largest_step = max(self._largest_step, *map(abs, steps), 0.0)
        self._last = values[-1]
        self._stretches.append(
            Stretch(
                len(values),
                fmean(values),
                min(values),
                max(values),
                self._pending_time,
                time,
                line,
            )
        )
        values.clear()
        if len(self._stretches) >= _MAX_STRETCHES:
            pairs = zip(self._stretches[::2], self._stretches[1::2], strict=True)
            self._stretches = [early.joined(late) for early, late in pairs]
            self._fold_at *= 2

    def _settle(self) -> None:
        """Join the values that no full stretch has taken yet to the last one."""
        if not self._pending or not self._stretches:
            return
        place = self._stretches[-1]
        self._fold(place.time, place.line)
        if len(self._stretches) > 1:
            rest = self._stretches.pop()
            self._stretches[-1] = self._stretches[-1].joined(rest)

    def _count(self) -> int:
        return sum(stretch.count for stretch in self._stretches) + len(self._pending)


def _ratio(before: float, after: float) -> float:
    low, high = sorted((abs(before), abs(after)))
    if high == 0:
        return 1.0
    # From nothing to something is a large change, not an infinite one.
    return min(1000.0, high / low) if low else 20.0


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
