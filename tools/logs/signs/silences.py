"""Silences: templates that came regularly and stopped, while their source or others went on.

What came only now and then, at the start, or until it was done, has not fallen silent. Whether
others went on is known only when all sources were read: `candidates` are found source by source,
`silences` and `lost` judge them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tools.logs.moments import SECOND, clock, duration
from tools.logs.reader import LogLine
from tools.logs.signs.constancy import onset
from tools.logs.signs.history import History, Times
from tools.logs.signs.lifecycle import names_end
from tools.logs.signs.rhythm import Rhythm
from tools.logs.signs.sign import Sign

_MAX_CANDIDATES = 40
_MAX_LOST = 3
_MIN_FAILURES = 6
_MAX_FAILURES = 0.2  # of the records
_DONE = re.compile(
    r"\b(?:done|complete[ds]?|completion|finish(?:ed|es)|all \w+ (?:sent|processed|imported))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Silence:
    """That a rhythm was not heard any more until `end`; `is_whole`: nothing of its source was."""

    rhythm: Rhythm
    end: int
    is_whole: bool = False

    @property
    def onset(self) -> int:
        """When the next record was due at the latest."""
        return self.rhythm.last + self.rhythm.longest_gap

    @property
    def suspicion(self) -> float:
        """0 to 1: more for what came like a clock, and the more of it is missing."""
        missed = self.rhythm.missed(self.end)
        base = 0.6 if self.rhythm.is_regular else 0.44
        return base + min(0.08, 0.004 * missed) + 0.03 * self.is_whole

    @property
    def note(self) -> str:
        """`came every 10 s until 12:41:03, then never again in 19 min`."""
        rhythm = self.rhythm
        if rhythm.is_regular:
            before = f"came every {duration(rhythm.mean_gap)}"
        else:
            before = f"came {rhythm.count:,} times, at most {duration(rhythm.longest_gap)} apart,"
        quiet = duration(self.end - rhythm.last)
        note = f"{before} until {clock(rhythm.last, self.end)}, then never again in {quiet}"
        return f"{note}; nothing else came from this source either" if self.is_whole else note

    def as_sign(self, history: History) -> Sign:
        """The sign that it is in its source."""
        rhythm = self.rhythm
        group = int(history.table.group_of[rhythm.position])
        return Sign(
            "silence",
            group,
            rhythm.position,
            self.onset,
            self.end,
            rhythm.count,
            self.note,
            self.suspicion,
        )


@dataclass(frozen=True, slots=True)
class Vanished:
    """A template that had a rhythm before the window and is not in it; `line` is its last."""

    template: str
    line: LogLine
    rhythm: Rhythm


def candidates(history: History) -> list[Rhythm]:
    """The groups that had a rhythm, the most regular and frequent first; problems never."""
    rhythms = [
        rhythm
        for group in history.groups
        if not history.group(group).is_problem
        and (rhythm := _rhythm(history, group)) is not None
        and not _was_done(history, rhythm)
    ]
    rhythms.sort(key=lambda rhythm: rhythm.order)
    return rhythms[:_MAX_CANDIDATES]


def lost(
    history: History, vanished: Iterable[Vanished], window: tuple[int, int]
) -> list[tuple[Vanished, Silence]]:
    """Those that fell silent shortly before the window (first and last time of all sources).

    None where failures are much of what the source says: they took their place.
    """
    if len(history) and history.is_problem.mean() > _MAX_FAILURES:
        return []
    start, end = window
    earliest = start - (end - start)
    silent = [
        item
        for item in vanished
        if item.rhythm.last >= earliest and item.rhythm.is_silent(end, end - item.rhythm.first)
    ]
    silent.sort(key=lambda item: item.rhythm.order)
    return [(item, Silence(item.rhythm, end)) for item in silent[:_MAX_LOST]]


def silences(
    history: History, rhythms: Sequence[Rhythm], others: Sequence[History]
) -> Iterator[Sign]:
    """The groups of a source that fell silent; one of them where the whole source did."""
    span = history.span
    ends = [other.span[1] for other in others if _is_beside(history, other) and other.span]
    if span is None:
        return
    end = max([span[1], *ends])
    start = min([span[0], *(other.span[0] for other in others if other.span)])
    silent = [rhythm for rhythm in rhythms if rhythm.is_silent(end, end - start)]
    is_whole = bool(silent) and all(r.is_silent(end, end - start) for r in rhythms)
    is_whole &= bool(silent) and end - span[1] >= 0.5 * (end - silent[0].last)
    for rhythm in silent[:1] if is_whole else silent:
        if not _is_explained(history, rhythm):
            yield Silence(rhythm, end, is_whole).as_sign(history)


def _rhythm(history: History, group: int) -> Rhythm | None:
    times = history.times(group)
    return Rhythm.of(times, _last_position(history, group, times)) if len(times) else None


def _last_position(history: History, group: int, times: Times) -> int:
    positions = history.positions(group)
    latest = np.flatnonzero(history.table.times[positions] == times[-1])
    return int(positions[latest[-1]])


def _was_done(history: History, rhythm: Rhythm) -> bool:
    """Whether what came after its last record says that the work was done."""
    group_of = history.table.group_of
    following = group_of[rhythm.position + 1 : rhythm.position + 4].tolist()
    for position, number in enumerate(following, rhythm.position + 1):
        time = history.time_at(position)
        is_soon = time is not None and time - rhythm.last <= 2 * rhythm.longest_gap
        group = history.group(number)
        if is_soon and group.count <= rhythm.count // 3 and _DONE.search(group.message):
            return True
    return False


def _is_explained(history: History, rhythm: Rhythm) -> bool:
    """Whether failures took its place, or the source said that it ends."""
    margin = max(10 * SECOND, 2 * rhythm.longest_gap)
    for number in history.groups:
        group = history.group(number)
        times = history.times(number)
        if not len(times) or times[-1] < rhythm.last - margin:
            continue
        if names_end(group.message) and abs(int(times[-1]) - rhythm.last) <= margin:
            return True
        if group.is_problem and len(times) >= _MIN_FAILURES:
            began = onset(times, (rhythm.first, max(rhythm.last, int(times[-1]))))
            if abs(began - rhythm.last) <= margin:
                return True
    return False


def _is_beside(history: History, other: History) -> bool:
    """Whether two sources were written at the same time, so that one can outlast the other."""
    if other is history or history.span is None or other.span is None:
        return False
    shared = min(history.span[1], other.span[1]) - max(history.span[0], other.span[0])
    # A log that ends where the others begin was rotated or copied earlier.
    whole = max(history.span[1], other.span[1]) - min(history.span[0], other.span[0])
    return shared >= 0.25 * whole
