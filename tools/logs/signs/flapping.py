"""Flapping: a thing that goes down and comes back, again and again.

Each time looks harmless, and at a constant rate it even looks like noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from tools.logs.moments import clock, duration
from tools.logs.signs.history import History
from tools.logs.signs.sign import Sign

_OPPOSITES = (
    ("down", "up"),
    ("lost", "restored|regained|recovered|re-?established"),
    ("disconnect(?:ed)?", "(?:re)?connected"),
    ("unhealthy", "healthy"),
    ("failed|failing", "recovered|passed|passing|succeeded"),
    ("unreachable", "reachable|back"),
    ("offline", "online"),
    ("not ready|notready", "ready"),
    ("unavailable", "available"),
    ("firing", "resolved"),
    ("suspended|stalled", "resumed"),
    ("left", "joined|rejoined"),
)
_WORDS = tuple(
    (re.compile(rf"\b(?:{bad})\b", re.IGNORECASE), re.compile(rf"\b(?:{good})\b", re.IGNORECASE))
    for bad, good in _OPPOSITES
)
_MIN_TIMES = 3
_MAX_TIMES = 2000
_MAX_GROUPS = 200


def flapping(history: History) -> Iterator[Sign]:
    """The groups that tell of something going away, each time before one tells of its return."""
    numbers = [
        number
        for number in history.groups
        if _MIN_TIMES <= history.group(number).count <= _MAX_TIMES
    ][:_MAX_GROUPS]
    for bad_words, good_words in _WORDS:
        good = [
            n for n in numbers if _says(history, n, good_words) and not _says(history, n, bad_words)
        ]
        for number in numbers if good else ():
            if _says(history, number, bad_words):
                signs = (_sign(history, number, other) for other in good)
                yield from [sign for sign in signs if sign is not None][:1]


def _says(history: History, number: int, words: re.Pattern[str]) -> bool:
    return words.search(history.group(number).message) is not None


def _sign(history: History, bad: int, good: int) -> Sign | None:
    away, back = history.times(bad), history.times(good)
    if min(len(away), len(back)) < _MIN_TIMES or abs(len(away) - len(back)) > 1:
        return None
    returns = np.searchsorted(back, away, side="right")
    # Between two departures there is exactly one return.
    if not (np.diff(returns) == 1).all():
        return None
    gone = [
        int(back[place] - left)
        for left, place in zip(away, returns, strict=True)
        if place < len(back)
    ]
    first, last = int(away[0]), int(max(away[-1], back[-1]))
    note = (
        f"went and came back {len(away)} times between {clock(first, last)} and "
        f"{clock(last, first)}, for {duration(float(np.median(gone)))} each"
    )
    return Sign(
        "flapping",
        bad,
        int(history.positions(bad)[0]),
        first,
        last,
        len(away),
        note,
        min(0.72, 0.56 + 0.03 * len(away)),
    )
