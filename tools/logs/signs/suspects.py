"""`Suspect`: one candidate for the cause of trouble, with what speaks for it so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tools.logs.moments import to_time
from tools.logs.reader import LogLine
from tools.logs.signs.sign import Sign, SignKind
from tools.logs.signs.source import SourceSigns

_LEADS = frozenset(("change", "difference"))
_TOLD = frozenset(("template", "restart", "flapping"))
_MIN_TROUBLE = 0.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A template, a number or a sign of one source.

    `name` tells it from the others of its kind and source. `onset` is when it began, in
    microseconds; None where it was there all the time, or without times. `notes` are what was
    worked out about it.
    """

    kind: SignKind
    source: SourceSigns
    group: int | None
    name: str
    line: LogLine
    count: int
    first: datetime | None
    last: datetime | None
    onset: int | None
    suspicion: float
    is_problem: bool
    is_constant: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of_sign(cls, source: SourceSigns, sign: Sign) -> Suspect:
        """The suspect that a sign makes."""
        group = source.history.group(sign.group)
        is_lead = sign.kind in _LEADS
        return cls(
            sign.kind,
            source,
            sign.group,
            # Each time of a change is one of its own.
            f"{sign.onset if is_lead else ''} {group.template}",
            source.lines[sign.position],
            sign.count,
            to_time(sign.onset),
            to_time(sign.end),
            sign.onset,
            sign.suspicion,
            not is_lead and (group.is_problem or sign.suspicion >= _MIN_TROUBLE),
            notes=(sign.note,),
        )

    @property
    def name_of_source(self) -> str:
        """The source that it was found in."""
        return self.source.history.source

    @property
    def is_lead(self) -> bool:
        """Whether it is an event that is no trouble in itself."""
        return self.kind in _LEADS

    @property
    def is_told(self) -> bool:
        """Whether its line tells of the trouble, and when; a number or a silence only shows it."""
        return self.kind in _TOLD

    def moved(self, suspicion: float, *notes: str) -> Suspect:
        """The same with another suspicion, and more notes before the ones it has."""
        return replace(self, suspicion=max(0.0, min(1.0, suspicion)), notes=(*notes, *self.notes))
