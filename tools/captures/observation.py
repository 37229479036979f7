"""What a form of command output says: the wrong rows with their meaning, and what was understood.

A `Reading` belongs to the lines that it was read from; positions count from 0. The lines that a
form understood are left out of the general ranking, so that a healthy table raises no alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """Lines `start` up to `end` show something wrong; `note` says what, in plain words.

    `suspicion` is 0 to 1. Observations of one `group` (pods of one deployment in one state) say the
    same and are shown once.
    """

    start: int
    end: int
    note: str
    suspicion: float
    group: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form found in some lines, and the lines that it understood, healthy ones included."""

    observations: tuple[Observation, ...] = ()
    understood: frozenset[int] = frozenset()


@dataclass(slots=True)
class Notes:
    """A reading in the making."""

    observations: list[Observation] = field(default_factory=list)
    understood: set[int] = field(default_factory=set)

    def add(
        self, start: int, note: str, suspicion: float, *, end: int | None = None, group: str = ""
    ) -> None:
        """Line `start` (up to `end`) is wrong, as `note` says."""
        stop = start + 1 if end is None else end
        self.observations.append(Observation(start, stop, note, suspicion, group))
        self.understood.update(range(start, stop))

    def know(self, lines: int | Iterable[int]) -> None:
        """These lines were understood."""
        self.understood.update((lines,) if isinstance(lines, int) else lines)

    def reading(self) -> Reading:
        """What was found."""
        return Reading(tuple(self.observations), frozenset(self.understood))


Reader = Callable[[Sequence[str], datetime | None], Reading]
"""Reads the lines of a capture; the time is the moment that ages and expiry are judged at."""
