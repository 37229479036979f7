"""`Incident`: when the trouble began, by the suspects that are strong enough to say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.logs.moments import MINUTE, SECOND, duration
from tools.logs.signs.suspects import Suspect

STRONG = 0.5

_WITHIN_TOP = 0.3
_TOLERANCE = SECOND // 2
_SLOW_TO_TELL = 5 * SECOND
# So long may it be quiet between two problems of one incident: of the span, within limits.
_PAUSE_SHARE = 0.2
_PAUSE = (30 * SECOND, 30 * MINUTE)


@dataclass(frozen=True, slots=True)
class Incident:
    """When the trouble began (`began`, microseconds), and with which suspect.

    `span` is the first and the last time of all sources.
    """

    began: int
    first: Suspect
    strongest: Suspect
    span: tuple[int, int]

    @classmethod
    def of(cls, suspects: Iterable[Suspect], span: tuple[int, int]) -> Incident | None:
        """The incident that the strong suspects make; None where there are none."""
        dated = [
            suspect
            for suspect in suspects
            if suspect.onset is not None and suspect.suspicion >= STRONG and not suspect.is_lead
        ]
        if not dated:
            return None
        strongest = max(dated, key=lambda suspect: (suspect.suspicion, suspect.count))
        level = strongest.suspicion - _WITHIN_TOP
        strong = [suspect for suspect in dated if suspect.suspicion >= level]
        first = _earliest(_connected(strong, strongest, span))
        return cls(_onset(first), first, strongest, span)

    @property
    def duration(self) -> int:
        """How long all sources together recorded."""
        return self.span[1] - self.span[0]

    def reach(self, share: float, limits: tuple[int, int]) -> int:
        """How far back to look: a share of the span, within limits."""
        return int(min(max(share * self.duration, limits[0]), limits[1]))

    def closeness(self, time: int, reach: int) -> float | None:
        """1 for what happened as the trouble began, 0 for `reach` earlier; None beyond or after."""
        gap = self.began - time
        return min(1.0, 1 - gap / reach) if -_TOLERANCE <= gap <= reach else None

    def gap(self, time: int) -> str:
        """`40 s before the first problem, in checkout`."""
        gap = self.began - time
        when = duration(gap) if gap >= SECOND else "just"
        return f"{when} before the first problem, in {self.first.name_of_source}"


def _connected(
    suspects: Sequence[Suspect], strongest: Suspect, span: tuple[int, int]
) -> list[Suspect]:
    """The suspects that lead up to the strongest without a long pause: they are one incident."""
    pause = min(max(_PAUSE_SHARE * (span[1] - span[0]), _PAUSE[0]), _PAUSE[1])
    began = _onset(strongest)
    connected = [strongest]
    for suspect in sorted(suspects, key=_onset, reverse=True):
        if began - pause <= _onset(suspect) <= _onset(strongest):
            began = min(began, _onset(suspect))
            connected.append(suspect)
    return connected


def _earliest(suspects: Sequence[Suspect]) -> Suspect:
    """The first of the suspects; a line that tells of trouble rather than one that shows it."""
    first = min(suspects, key=_onset)
    told = [suspect for suspect in suspects if suspect.is_told]
    first_told = min(told, key=_onset, default=first)
    return first_told if _onset(first_told) - _onset(first) <= _SLOW_TO_TELL else first


def _onset(suspect: Suspect) -> int:
    return suspect.onset or 0
