"""Bursts: stretches of time in which a template came many times as often as it usually does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tools.logs.moments import MINUTE, SECOND, clock
from tools.logs.records import Level
from tools.logs.signs.history import History, Times
from tools.logs.signs.sign import Sign

_NUM_BUCKETS = 120
_MIN_COUNT = 30
_MIN_IN_BURST = 20
_MIN_BEFORE = 5
_FACTOR = 5.0
_MAX_PAUSE = 2
_MAX_SHARE = 0.5  # of the buckets: what lasts longer is no burst
_SUSPICION = {
    Level.DEBUG: 0.1,
    Level.INFO: 0.25,
    Level.WARN: 0.28,
    Level.ERROR: 0.6,
    Level.FATAL: 0.7,
}


def bursts(history: History) -> Iterator[Sign]:
    """The longest burst of each group that has one, and came before it, too."""
    span = history.span
    if span is None or span[0] == span[1]:
        return
    for number in history.groups:
        if history.group(number).count >= _MIN_COUNT:
            times = history.times(number)
            found = _burst(times, span)
            if found is not None:
                yield _sign(history, number, times, *found)


def _burst(times: Times, span: tuple[int, int]) -> tuple[int, int] | None:
    """The places of the first and the last time of the longest burst."""
    if len(times) < _MIN_COUNT:
        return None
    edges = np.linspace(span[0], span[1] + 1, _NUM_BUCKETS + 1)
    places = np.searchsorted(times, edges)
    counts = np.diff(places)
    usual = float(np.median(counts))
    runs = _runs(
        counts > max(_FACTOR * usual, usual + _FACTOR * np.sqrt(usual + 1), _MIN_BEFORE - 1)
    )
    if not runs:
        return None
    first, last = max(runs, key=lambda run: int(counts[run[0] : run[1] + 1].sum()))
    start, end = int(places[first]), int(places[last + 1])
    is_short = last - first + 1 <= _MAX_SHARE * _NUM_BUCKETS
    is_much = start >= _MIN_BEFORE and end - start >= _MIN_IN_BURST
    return (start, end - 1) if is_short and is_much and _stands_out(times, start, end) else None


def _stands_out(times: Times, start: int, end: int) -> bool:
    """Whether it came far more often than it did otherwise, while it came at all."""
    duration = int(times[end - 1] - times[start])
    others = int(times[-1] - times[0]) - duration
    usual = _per_minute(len(times) - (end - start), others)
    return _per_minute(end - start, duration) >= _FACTOR * usual


def _runs(is_high: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last place of each run of high buckets; short pauses do not end it."""
    runs: list[tuple[int, int]] = []
    for place in np.flatnonzero(is_high).tolist():
        if runs and place - runs[-1][1] <= _MAX_PAUSE + 1:
            runs[-1] = runs[-1][0], place
        else:
            runs.append((place, place))
    return runs


def _sign(history: History, number: int, times: Times, start: int, end: int) -> Sign:
    onset, until = int(times[start]), int(times[end])
    count = end - start + 1
    usual = _per_minute(len(times) - count, int(times[-1] - times[0]) - (until - onset))
    rate = _per_minute(count, until - onset)
    note = (
        f"burst: {count:,} from {clock(onset, until)} to {clock(until, onset)} "
        f"({rate:,.3g} a minute), else {usual:,.3g} a minute"
    )
    positions = history.positions(number)
    position = int(positions[np.searchsorted(history.table.times[positions], onset)])
    suspicion = _SUSPICION[history.group(number).level or Level.INFO]
    return Sign("burst", number, position, onset, until, count, note, suspicion)


def _per_minute(count: int, span: int) -> float:
    return count * MINUTE / max(span, SECOND)
