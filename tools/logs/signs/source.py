"""`SourceSigns`: what one source tells over time, found while its text is still in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.logs.reader import LogLine
from tools.logs.signs.bursts import bursts
from tools.logs.signs.changes import changes
from tools.logs.signs.differences import Lines, differences
from tools.logs.signs.flapping import flapping
from tools.logs.signs.history import History
from tools.logs.signs.restarts import restarts
from tools.logs.signs.rhythm import Rhythm
from tools.logs.signs.sign import Sign
from tools.logs.signs.silences import candidates
from tools.logs.signs.startups import Startups
from tools.logs.table import SourceTable

_MAX_SIGNS = 200


@dataclass(frozen=True, slots=True)
class SourceSigns:
    """The signs of one source. `lines` holds the lines of the records that they point to.

    `rhythms` are the groups that could have fallen silent: that depends on the other sources.
    """

    history: History
    startups: Startups
    signs: tuple[Sign, ...]
    rhythms: tuple[Rhythm, ...]
    lines: Mapping[int, LogLine]

    @classmethod
    def find(cls, table: SourceTable, lines: Lines) -> SourceSigns:
        """Look at the records of `table`, of which `lines` reads some."""
        history = History(table)
        startups = Startups(history)
        found = [
            *restarts(history, startups),
            *flapping(history),
            *bursts(history),
            *differences(history, startups, lines),
            *changes(history, startups),
        ]
        signs = tuple(found[:_MAX_SIGNS])
        rhythms = tuple(candidates(history))
        positions = sorted({*(s.position for s in signs), *(r.position for r in rhythms)})
        return cls(
            history, startups, signs, rhythms, dict(zip(positions, lines(positions), strict=True))
        )
