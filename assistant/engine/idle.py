"""Whose the processors are, as the kernel counts it: idle, ours, or wanted by others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_STAT = Path("/proc/stat")
# Spinning threads that nobody interrupts use all of their time, but for what the kernel needs.
_NEARLY_ALL = 0.9
# The kernel counts in hundredths of a second: below this the count is too coarse.
_LEAST_INTERVAL_S = 0.25
_IDLE, _IOWAIT = 3, 4


class IdleProcessors:
    """The processors that this process may use, and how many of them were idle lately.

    Where the kernel does not tell (other systems, some sandboxes) the answer is always None.
    """

    def __init__(self, stat: Path = _STAT, now: Callable[[], float] = time.monotonic) -> None:
        self._stat = stat
        self._now = now
        self._asked_at = now()
        self._last = self._read()

    def number(self) -> float | None:
        """Idle processors on average since it was last told; None before 0.25 s have passed.

        Takes about 50 µs when it is due.
        """
        if self._last is None or self._now() - self._asked_at < _LEAST_INTERVAL_S:
            return None
        before, self._last = self._last, self._read()
        self._asked_at = self._now()
        if self._last is None:
            return None
        idle, total = (new - old for new, old in zip(self._last, before, strict=True))
        return len(os.sched_getaffinity(0)) * idle / total if total > 0 else None

    def _read(self) -> tuple[int, int] | None:
        """Idle and all ticks of our processors since the machine started."""
        try:
            lines = self._stat.read_text(encoding="ascii").splitlines()
            ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
            counts = [
                [int(n) for n in line.split()[1:]] for line in lines if line.split()[0] in ours
            ]
        except (OSError, ValueError, IndexError, AttributeError):
            return None
        if not counts:
            return None
        idle = sum(count[_IDLE] + count[_IOWAIT] for count in counts)
        return idle, sum(map(sum, counts))


class ProcessorClock:
    """Time since it was made, and how much of it this thread and its process were computing."""

    def __init__(self) -> None:
        self._wall, self._process, self._thread = _clocks()

    @property
    def wall_s(self) -> float:
        """Seconds by the wall."""
        return time.perf_counter() - self._wall

    def is_ours(self, num_threads: int) -> bool:
        """Whether `num_threads` spinning threads, this one among them, were never interrupted.

        The thread's own time tells when other threads of this process were in the way.
        """
        wall, process, thread = _clocks()
        least_s = _NEARLY_ALL * (wall - self._wall)
        return process - self._process >= num_threads * least_s and thread - self._thread >= least_s


def _clocks() -> tuple[float, float, float]:
    return time.perf_counter(), time.process_time(), time.thread_time()
