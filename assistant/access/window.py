"""`SlidingWindow`: how much was taken within the last minute, hour or day.

Time is cut into slots, so that a window costs the same memory however much is taken. What was taken
in a slot is let go of when the whole slot is out of the window: never sooner than it should be, and
later by one slot at most. The clock is the caller's.
"""

from __future__ import annotations

from collections import deque

_NUM_SLOTS = 60


class SlidingWindow:
    """Counts what is taken within `span_s`, against `limit`; times never run back for it."""

    def __init__(self, span_s: float, limit: int) -> None:
        self.limit = limit
        self._span_s = span_s
        self._slot_s = span_s / _NUM_SLOTS
        # (number of the slot since the clock's zero, amount), the oldest first.
        self._slots: deque[tuple[int, int]] = deque()
        self._newest = float("-inf")

    def used(self, now: float) -> int:
        """How much was taken within the window that ends at `now`."""
        self._let_go(now)
        return sum(amount for _, amount in self._slots)

    def take(self, now: float, amount: int = 1) -> None:
        """Count `amount` as taken at `now`, over the limit or not."""
        self._let_go(now)
        number = int(self._newest // self._slot_s)
        if self._slots and self._slots[-1][0] == number:
            amount += self._slots.pop()[1]
        self._slots.append((number, amount))

    def wait_s(self, now: float) -> float:
        """Seconds from `now` until less than the limit is used; 0.0 when it is less already."""
        excess = self.used(now) - self.limit
        for number, amount in self._slots:
            if excess < 0:
                break
            excess -= amount
            if excess < 0:
                return max(0.0, self._gone_at(number) - self._newest)
        return 0.0

    def _let_go(self, now: float) -> None:
        """Drop what is out of the window; a clock that runs back stands still here."""
        self._newest = max(self._newest, now)
        while self._slots and self._gone_at(self._slots[0][0]) <= self._newest:
            self._slots.popleft()

    def _gone_at(self, number: int) -> float:
        """When everything of a slot is older than the window."""
        return (number + 1) * self._slot_s + self._span_s
