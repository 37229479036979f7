"""Restarts: processes that began again, or ended as nobody meant them to, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tools.logs.moments import MINUTE, clock, duration
from tools.logs.signs.history import History, Times
from tools.logs.signs.lifecycle import names_crash
from tools.logs.signs.sign import Sign
from tools.logs.signs.startups import Startups

_MAX_LISTED = 4
_MIN_LOOP = 3
_PLANNED = 0.12
_LOOP = 0.74
_CRASHES = {1: 0.5, 2: 0.62}
_CRASH_LOOP = 0.72
_CRASHES_NOW_AND_THEN = 0.45
_MAX_PAUSE = 10 * MINUTE
# Of the lives of a process: so many must have had a problem for them to be a loop of crashes.
_MIN_FAILED_SHARE = 0.6


def restarts(history: History, startups: Startups) -> Iterator[Sign]:
    """The restarts of the source's own process, and the crashes that it reports."""
    yield from _own(history, startups.starts)
    for number in history.groups:
        if names_crash(history.group(number).message):
            yield from _crashes(history, number)


def _own(history: History, starts: Sequence[int]) -> Iterator[Sign]:
    times = np.array([t for start in starts if (t := history.time_at(start)) is not None], np.int64)
    if len(times) < 2 or len(times) < len(starts):
        return
    note = f"started {len(times)} times{_when(times)}"
    position, suspicion = starts[-1], _PLANNED
    ended_with = _last_problems(history, starts)
    has_failed = len(ended_with) >= _MIN_FAILED_SHARE * (len(starts) - 1)
    if len(times) >= _MIN_LOOP and _is_quick(times) and has_failed:
        # What it said before it began anew tells more than that it began.
        position, suspicion = ended_with[-1], _LOOP
        note += ": crash loop, this stands before a new start"
    yield Sign(
        "restart",
        int(history.table.group_of[position]),
        position,
        int(times[1]),
        int(times[-1]),
        len(times),
        note,
        suspicion,
    )


def _last_problems(history: History, starts: Sequence[int]) -> list[int]:
    """The last problem of each life of the process that had one and was followed by another."""
    last: list[int] = []
    for start, end in pairwise(starts):
        problems = np.flatnonzero(history.is_problem[start:end])
        if len(problems):
            last.append(start + int(problems[-1]))
    return last


def _crashes(history: History, number: int) -> Iterator[Sign]:
    times = history.times(number)
    if not len(times):
        return
    count = len(times)
    is_loop = count >= _MIN_LOOP and _is_quick(times)
    note = f"ended unexpectedly {'once' if count == 1 else f'{count} times'}{_when(times)}"
    yield Sign(
        "restart",
        number,
        int(history.positions(number)[0]),
        int(times[0]),
        int(times[-1]),
        count,
        f"{note}: crash loop" if is_loop else note,
        _CRASH_LOOP if is_loop else _CRASHES.get(count, _CRASHES_NOW_AND_THEN),
    )


def _when(times: Times) -> str:
    first, last = int(times[0]), int(times[-1])
    if len(times) <= _MAX_LISTED:
        return " (" + ", ".join(clock(time, last) for time in times.tolist()) + ")"
    every = duration(float(np.median(np.diff(times))))
    return f" from {clock(first, last)} to {clock(last, first)}, about every {every}"


def _is_quick(times: Times) -> bool:
    """Whether they are so close together that something tries again and again."""
    return float(np.median(np.diff(times))) <= _MAX_PAUSE
