"""Weighing: what all suspects together say about each of them.

The suspicion of a template on its own is `tools.logs.ranking`'s. Here it counts what came first,
what happened just before, and which services only echo the trouble of others.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.logs.moments import SECOND, duration
from tools.logs.signs.echoes import traced, without_twins
from tools.logs.signs.incident import STRONG, Incident
from tools.logs.signs.leads import accompanied, led, preceded
from tools.logs.signs.shares import with_shares
from tools.logs.signs.source import SourceSigns
from tools.logs.signs.suspects import Suspect
from tools.logs.signs.upstream import Dependencies

_FIRST = 0.05


def weigh(
    suspects: Sequence[Suspect],
    sources: Sequence[SourceSigns],
    span: tuple[int, int] | None,
    dependencies: Dependencies,
) -> list[Suspect]:
    """The suspects, each with what the others say about it. `span` is that of all sources."""
    weighed = without_twins(suspects)
    incident = Incident.of(weighed, span) if span is not None else None
    if incident is None:
        return weighed
    weighed = led(weighed, incident)
    weighed = preceded(weighed, incident)
    weighed = accompanied(weighed, sources, incident)
    weighed = _ordered(weighed, incident)
    weighed = traced(weighed, dependencies)
    return with_shares(weighed, incident)


def _ordered(suspects: Sequence[Suspect], incident: Incident) -> list[Suspect]:
    """The suspects, the first problem of all sources a little higher."""
    first, strongest = incident.first, incident.strongest
    others = [
        suspect.onset
        for suspect in suspects
        if suspect.source is not first.source and suspect.onset is not None
        if suspect.is_told and suspect.is_problem and suspect.suspicion >= STRONG
    ]
    if not others or min(others) <= incident.began:
        return list(suspects)
    note = "first problem of all sources"
    gap = (strongest.onset or 0) - incident.began
    if strongest.source is not first.source and gap >= SECOND:
        note += f", {duration(gap)} before {strongest.name_of_source}"
    return [
        suspect.moved(suspect.suspicion + _FIRST, note) if _is_same(suspect, first) else suspect
        for suspect in suspects
    ]


def _is_same(suspect: Suspect, other: Suspect) -> bool:
    return suspect.source is other.source and (suspect.kind, suspect.name) == (
        other.kind,
        other.name,
    )
