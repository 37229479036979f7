"""Several requests at a time, and never a wait beyond the limit.

The calling thread does no request itself: it watches the clock, and when the time is up it ends the
reads that still wait. A thread that even so does not come back (a peer that trickles out its
headers) is left behind; it holds nothing but its own socket and ends with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from tools.logs.sources.watch import FetchWatch

_T = TypeVar("_T")
_LOOK_S = 0.05


def run_all(
    jobs: Sequence[Callable[[], _T]], watch: FetchWatch, grace_s: float = 1.0
) -> list[_T | None]:
    """The result of each job, in their order; None for one that did not end, or begin, in time.

    At most `max_parallel` run at once. When the watch says stop, those that run have `grace_s` to
    end. What a job raises is raised here, once.
    """
    todo: SimpleQueue[tuple[int, Callable[[], _T]]] = SimpleQueue()
    done: SimpleQueue[_Outcome[_T]] = SimpleQueue()
    for job in enumerate(jobs):
        todo.put(job)
    for _ in range(min(watch.limits.max_parallel, len(jobs))):
        threading.Thread(target=_work, args=(todo, done, watch), daemon=True).start()
    return _collect(len(jobs), done, watch, round(grace_s / _LOOK_S))


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[_T]):
    index: int
    value: _T | None = None
    error: BaseException | None = None


def _work(
    todo: SimpleQueue[tuple[int, Callable[[], _T]]],
    done: SimpleQueue[_Outcome[_T]],
    watch: FetchWatch,
) -> None:
    while True:
        try:
            index, job = todo.get_nowait()
        except Empty:
            return
        done.put(_outcome(index, job, watch))


def _outcome(index: int, job: Callable[[], _T], watch: FetchWatch) -> _Outcome[_T]:
    if watch.stop_reason():
        return _Outcome(index)
    try:
        return _Outcome(index, job())
    except BaseException as error:  # noqa: BLE001  (raised again, in the calling thread)
        return _Outcome(index, error=error)


def _collect(
    count: int, done: SimpleQueue[_Outcome[_T]], watch: FetchWatch, looks_left: int
) -> list[_T | None]:
    results: list[_T | None] = [None] * count
    left = count
    while left and looks_left:
        try:
            outcome = done.get(timeout=_LOOK_S)
        except Empty:
            if watch.stop_reason():
                watch.end_waits()
                looks_left -= 1
            continue
        if outcome.error is not None:
            raise outcome.error
        results[outcome.index] = outcome.value
        left -= 1
    return results
