"""`Rhythm`: how regularly a template came, and for how long that explains that it is quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.logs.moments import SECOND
from tools.logs.signs.history import Times

_MIN_COUNT = 6
_MIN_ACTIVE_SHARE = 0.1
_MIN_QUIET_SHARE = 0.05
_MIN_MISSED = 6
_LONGEST_FACTOR = 4
_REGULAR = 0.35  # standard deviation of the gaps, in means


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a template came: `mean_gap`, `longest_gap` and the times of the first and last record.

    `position` is the place of the last one among the records that were looked at.
    """

    position: int
    count: int
    first: int
    last: int
    mean_gap: float
    longest_gap: int
    is_regular: bool

    @classmethod
    def of(cls, times: Times, position: int) -> Rhythm | None:
        """The rhythm of records at `times`, the last of them at `position`; None without one."""
        if len(times) < _MIN_COUNT or times[0] == times[-1]:
            return None
        gaps = np.diff(times)
        mean = float(gaps.mean())
        return cls(
            position,
            len(times),
            int(times[0]),
            int(times[-1]),
            mean,
            int(gaps.max()),
            bool(gaps.std() < _REGULAR * mean),
        )

    @property
    def order(self) -> tuple[bool, int]:
        """A key that puts the most regular and frequent first."""
        return not self.is_regular, -self.count

    def missed(self, end: int) -> float:
        """How many records were to be expected from the last one to `end`."""
        return (end - self.last) / self.mean_gap

    def is_silent(self, end: int, span: int) -> bool:
        """Whether it has been quiet until `end` for longer than its gaps explain."""
        quiet = end - self.last
        return (
            quiet >= _LONGEST_FACTOR * self.longest_gap
            and quiet >= max(_MIN_QUIET_SHARE * span, SECOND)
            and self.missed(end) >= _MIN_MISSED
            and self.last - self.first >= _MIN_ACTIVE_SHARE * span
        )
