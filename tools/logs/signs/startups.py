"""Start-ups: the first moments of a process, in which many programs warn about their own set-up.

A warning that stands there at every start, and is followed by normal work, says nothing about what
went wrong later.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, pairwise

import numpy as np

from tools.logs.groups import Group
from tools.logs.moments import SECOND
from tools.logs.records import Level
from tools.logs.signs.change_logs import is_change_log
from tools.logs.signs.history import Bools, History, Positions
from tools.logs.signs.lifecycle import names_crash, names_giving_up, names_start, names_starting_up
from tools.logs.table import NO_TIME

_MAX_DURATION = 3 * SECOND
_MAX_RECORDS = 40
_MAX_UNTIMED_RECORDS = 12
# So far from the first record of a source its first sign of a start may stand.
_MAX_LEAD_RECORDS = 12
_MAX_LEAD = 10 * SECOND
_MAX_SHARE_OF_RECORDS = 0.5
_MAX_PER_STARTUP = 3
_MAX_ERRORS = 2
_MIN_LIFE = 10 * SECOND


class Startups:
    """The start-ups of one source: which of its records belong to one."""

    def __init__(self, history: History) -> None:
        self._history = history
        numbers = () if is_change_log(history.source) else history.groups
        self.banners = [number for number in numbers if _is_banner(history, number)]
        self.stretches = list(self._stretches())
        self.is_within = np.zeros(len(history), np.bool_)
        for start, end in self.stretches:
            self.is_within[start:end] = True

    @cached_property
    def starts(self) -> list[int]:
        """The positions of the records with which the process began, each time.

        They are those of the banner that came most often, the earliest such one; workers that begin
        together are one start.
        """
        history = self._history
        if not self.banners:
            return []
        banner = max(
            self.banners,
            key=lambda number: (history.group(number).count, -history.group(number).first_position),
        )
        positions: list[int] = history.positions(banner).tolist()
        return positions[:1] + [
            later for early, later in pairwise(positions) if _are_apart(history, early, later)
        ]

    def is_routine(self, number: int) -> bool:
        """Whether a problem belongs to every start and did not keep the work from beginning."""
        history, group = self._history, self._history.group(number)
        positions = history.positions(number)
        if not self.stretches or not self.is_within[positions].all():
            return False
        if len(positions) > _MAX_PER_STARTUP * len(self.stretches):
            return False
        return self._is_of_first(positions, group) and self._work_followed(positions, group)

    def _is_of_first(self, positions: Positions, group: Group) -> bool:
        """Whether it came at the first start: a later start that adds a problem has changed."""
        start, end = self.stretches[0]
        if start == 0:
            return int(positions[0]) < end
        return group.level is not None and group.level <= Level.WARN

    def _work_followed(self, positions: Positions, group: Group) -> bool:
        if any(self._failed(int(position)) for position in positions):
            return False
        if names_starting_up(group.message):
            return True
        ordinary = ~self._history.is_problem & ~self._is_crash
        return bool(ordinary[positions[-1] + 1 :].any())

    @cached_property
    def _is_crash(self) -> Bools:
        groups = self._history.table.groups
        is_crash = np.array([names_crash(group.message) for group in groups], np.bool_)
        return is_crash[self._history.table.group_of]

    def _failed(self, position: int) -> bool:
        """Whether the start that a record belongs to went wrong."""
        start, end = next(s for s in self.stretches if s[0] <= position < s[1])
        numbers = set(self._history.table.group_of[start:end].tolist())
        groups = [self._history.group(number) for number in numbers]
        errors = [group for group in groups if group.level is not None and group.level > Level.WARN]
        has_ended = any(names_giving_up(group.message) for group in errors)
        return has_ended or len(errors) > _MAX_ERRORS or self._died_soon(position)

    def _died_soon(self, position: int) -> bool:
        """Whether the process of a record started again before it could have done any work."""
        begun = self._history.time_at(position)
        if begun is None:
            return False
        for start in self.starts:
            again = self._history.time_at(start)
            # What stands just before a banner was written by the process that shows it.
            if start > position and again is not None and again - begun > SECOND // 2:
                return again - begun < _MIN_LIFE
        return False

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """First record and the one after the last of each start-up, in their order."""
        done = 0
        for mark in self._marks():
            if mark >= done:
                start = max(done, self._beginning(mark))
                done = self._end(mark)
                yield start, done

    def _marks(self) -> list[int]:
        marks = [self._history.positions(number).tolist() for number in self.banners]
        return sorted(chain.from_iterable(marks))

    def _beginning(self, mark: int) -> int:
        if mark > _MAX_LEAD_RECORDS:
            return mark
        first, time = self._history.time_at(0), self._history.time_at(mark)
        is_near = first is None or time is None or time - first <= _MAX_LEAD
        return 0 if is_near else mark

    def _end(self, mark: int) -> int:
        end = min(mark + _MAX_RECORDS, len(self._history))
        times = self._history.table.times[mark:end]
        known = times[times != NO_TIME]
        if not len(known):
            return min(mark + _MAX_UNTIMED_RECORDS, end)
        late = np.flatnonzero(times > known[0] + _MAX_DURATION)
        return mark + int(late[0]) if len(late) else end


def _are_apart(history: History, early: int, later: int) -> bool:
    first, second = history.time_at(early), history.time_at(later)
    return first is None or second is None or second - first >= SECOND // 2


def _is_banner(history: History, number: int) -> bool:
    group = history.group(number)
    is_rare = group.count <= max(3, _MAX_SHARE_OF_RECORDS * len(history))
    return is_rare and not group.is_problem and names_start(group.message)
