"""Drift: a lasting change of a number, with the figures that tell it.

How it is found among the values is left to `tools.logs.series`, how it is said to
`tools.logs.ranking`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tools.logs.reader import LogLine

MIN_RATIO = 1.5
"""Values that are less than so many times each other are about the same."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive values: their mean and range, and where the last one stood.

    `start` is the time of the first of them, `time` that of the last.
    """

    mean: float
    low: float
    high: float
    start: datetime | None
    time: datetime | None
    line: LogLine


@dataclass(frozen=True, slots=True)
class Drift:
    """A lasting change of a number; `strength` (0 to 1) grows with its ratio.

    `usual` is the median of its beginning, `peak` the stretch after it that shows the change best.
    `returned` says that the number jumped and was back where it began, or lower, at the end. `band`
    is where nearly all values lay before; the number was out of it from `left_time` to
    `return_time`, which is None where it stayed out.
    """

    direction: Literal["rose", "fell"]
    returned: bool
    usual: float
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

    @property
    def has_stayed(self) -> bool:
        """Whether the last value still shows the change."""
        is_back = self.returned or self.return_time is not None
        return not is_back and self.leads(self.usual, self.last)

    def leads(self, before: float, after: float) -> bool:
        """Whether `after` is clearly off `before`, in the direction of the drift."""
        is_beyond = after > before if self.direction == "rose" else after < before
        return is_beyond and ratio(before, after) >= MIN_RATIO


def ratio(before: float, after: float) -> float:
    """How many times the one the other is, from 1 to 1000, whatever their signs."""
    low, high = sorted((abs(before), abs(after)))
    if high == 0:
        return 1.0
    # From nothing to something is a large change, not an infinite one.
    return min(1000.0, high / low) if low else 20.0
