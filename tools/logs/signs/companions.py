"""Companions: what came shortly before each time that a problem came back.

Once is chance; a message that precedes every one of five outages by a few seconds is a lead, even
if it sounds harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.logs.moments import SECOND
from tools.logs.signs.history import History, Times
from tools.logs.signs.lifecycle import is_part_of_life

_MIN_EPISODES = 3
_MAX_EPISODES = 200
_MAX_LEAD = 60 * SECOND
_MIN_LEAD = SECOND // 2
_MIN_PAUSE = 2 * SECOND
_MIN_PAUSE_SHARE = 0.02
_MAX_EXTRA = 1.5
_MAX_CHANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Companion:
    """A group that came `lead` (microseconds, the median) before each of so many episodes."""

    group: int
    num_episodes: int
    lead: int


def episodes(times: Times, span: tuple[int, int]) -> Times:
    """When a problem came back: the first time of each run of its records."""
    pause = max(_MIN_PAUSE, int(_MIN_PAUSE_SHARE * (span[1] - span[0])))
    is_first = np.concatenate(([True], np.diff(times) > pause))
    return times[is_first]


def companions(history: History, began: Times) -> Iterator[Companion]:
    """The groups of a source, no problems, that came before each of the episodes `began`."""
    if not _MIN_EPISODES <= len(began) <= _MAX_EPISODES:
        return
    for number in history.groups:
        group = history.group(number)
        is_as_rare = len(began) <= group.count <= _MAX_EXTRA * len(began) + 1
        if is_as_rare and not group.is_problem and not is_part_of_life(group.message):
            lead = _lead(history.times(number), began)
            if lead is not None:
                yield Companion(number, len(began), lead)


def _lead(times: Times, began: Times) -> int | None:
    places = np.searchsorted(times, began, side="right") - 1
    if not len(times) or len(np.unique(places)) < len(places):
        return None
    leads = began - times[places]
    longest = int(leads.max())
    spacing = float(np.median(np.diff(began)))
    chance = (longest / spacing) ** len(began)
    return (
        int(np.median(leads))
        if int(leads.min()) >= _MIN_LEAD and longest <= _MAX_LEAD and chance <= _MAX_CHANCE
        else None
    )
