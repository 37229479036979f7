"""`FetchWatch`: when a fetch has to stop, known to all of its threads.

Limits of time and size and a cancelled turn come to the same thing: a reason to stop. Who waits for
a slow peer registers how to end that wait; `tools.logs.sources.parallel` ends it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools.logs.reader import format_size

_MIB = 1 << 20
_STEP_BYTES = _MIB

Progress = Callable[[str, int], None]
"""Called with a log's name and the bytes read of it so far, once per MiB, from any thread."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one fetch may take. Of a log that is larger, its newest part is kept."""

    timeout_s: float = 20.0
    max_log_bytes: int = 64 * _MIB
    max_log_lines: int = 500_000
    max_total_bytes: int = 512 * _MIB
    max_logs: int = 64
    max_parallel: int = 6


class FetchWatch:
    """The clock, the count of bytes and the cancellation of one fetch, for all its threads."""

    def __init__(
        self,
        limits: FetchLimits,
        progress: Progress | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.limits = limits
        self._progress = progress
        self._is_cancelled = is_cancelled
        self._ends_at = time.monotonic() + limits.timeout_s
        self._lock = threading.Lock()
        self._total_bytes = 0
        self._waits: dict[object, Callable[[], None]] = {}

    @property
    def left_s(self) -> float:
        """Seconds until the time limit, never negative."""
        return max(0.0, self._ends_at - time.monotonic())

    def stop_reason(self) -> str:
        """Why to stop now, as the end of a sentence; empty while the fetch may go on."""
        if self._is_cancelled():
            return "it was cancelled"
        if not self.left_s:
            return f"the time limit of {self.limits.timeout_s:g} s was reached"
        if self._total_bytes >= self.limits.max_total_bytes:
            limit = format_size(self.limits.max_total_bytes)
            return f"the limit of {limit} for all logs together was reached"
        return ""

    def took(self, size_bytes: int) -> None:
        """Enter `size_bytes` more that were read."""
        with self._lock:
            self._total_bytes += size_bytes

    def count(self, name: str, size_bytes: int, log_bytes: int) -> None:
        """Enter `size_bytes` more that were read of the log `name`: `log_bytes` of it so far."""
        self.took(size_bytes)
        has_grown = log_bytes // _STEP_BYTES > (log_bytes - size_bytes) // _STEP_BYTES
        if self._progress is not None and has_grown:
            self._progress(name, log_bytes)

    @contextmanager
    def waiting(self, end: Callable[[], None]) -> Iterator[None]:
        """While inside, `end_waits` calls `end`, which makes a blocked read return."""
        key = object()
        with self._lock:
            self._waits[key] = end
        try:
            yield
        finally:
            with self._lock:
                del self._waits[key]

    def end_waits(self) -> None:
        """End every wait that is registered now."""
        with self._lock:
            for end in self._waits.values():
                end()
