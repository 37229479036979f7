"""`RecentTurns`: the turns of the last minutes, for figures about now rather than about ever."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WINDOW_S = 300.0
# Thousands of turns in five minutes are more than an engine answers; older ones then count less.
_MAX_TURNS = 2000


@dataclass(frozen=True, slots=True)
class Recent:
    """Turns that ended in the last `window_s` seconds. A time is None where no turn has one."""

    window_s: float
    num_turns: int
    num_failed: int
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    total_p50_s: float | None
    total_p95_s: float | None


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    ttft_s: float | None
    total_s: float
    has_failed: bool


class RecentTurns:
    """Keeps what ended within the window; safe to use from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turns: deque[_Ended] = deque(maxlen=_MAX_TURNS)
        self._lock = threading.Lock()

    def add(self, ttft_s: float | None, total_s: float, *, has_failed: bool) -> None:
        """A turn has ended just now; `ttft_s` is None for one without a word."""
        with self._lock:
            self._turns.append(_Ended(self._clock(), ttft_s, total_s, has_failed))

    def figures(self) -> Recent:
        """The figures of the window that ends now."""
        since = self._clock() - WINDOW_S
        with self._lock:
            while self._turns and self._turns[0].at < since:
                self._turns.popleft()
            turns = list(self._turns)
        ttfts = sorted(turn.ttft_s for turn in turns if turn.ttft_s is not None)
        totals = sorted(turn.total_s for turn in turns if not turn.has_failed)
        return Recent(
            window_s=WINDOW_S,
            num_turns=len(turns),
            num_failed=sum(turn.has_failed for turn in turns),
            ttft_p50_s=_percentile(ttfts, 50),
            ttft_p95_s=_percentile(ttfts, 95),
            total_p50_s=_percentile(totals, 50),
            total_p95_s=_percentile(totals, 95),
        )


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
