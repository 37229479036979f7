"""Leads: what happened just before the trouble began, and what came before each return of it.

A deploy is no trouble, and neither is a line that was never seen before. Shortly before the first
error they are what a person would look at next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tools.logs.moments import MINUTE, SECOND, duration
from tools.logs.signs import companions
from tools.logs.signs.history import Times
from tools.logs.signs.incident import STRONG, Incident
from tools.logs.signs.lifecycle import is_part_of_life
from tools.logs.signs.source import SourceSigns
from tools.logs.signs.suspects import Suspect
from tools.logs.signs.timeline import shortened
from tools.logs.signs.upstream import service_of

# How far before the trouble a change is a lead, and something new: of the span, and within limits.
_CHANGE_SHARE = 0.25
_CHANGE_REACH = (MINUTE, 30 * MINUTE)
_NEW_SHARE = 0.05
_NEW_REACH = (30 * SECOND, 5 * MINUTE)
# Where more than this happened before the trouble, each says less.
_MANY = 6
_MAX_SUSPICION = 0.65
_MIN_ABSENCE = 0.1  # of the span
_MIN_EXPECTED = 3.0
_MAX_QUOTED_CHARS = 80
_MAX_RETURNING = 12


def led(suspects: Sequence[Suspect], incident: Incident) -> list[Suspect]:
    """The suspects, changes just before the trouble raised."""
    reach = incident.reach(_CHANGE_SHARE, _CHANGE_REACH)
    close = [_nearness(suspect, incident, reach) for suspect in suspects]
    thinned = _thinned(sum(closeness is not None for closeness in close))
    return [
        suspect if closeness is None else _as_lead(suspect, incident, closeness, thinned)
        for suspect, closeness in zip(suspects, close, strict=True)
    ]


def preceded(suspects: Sequence[Suspect], incident: Incident) -> list[Suspect]:
    """The suspects, raised what was never said before and then just before the trouble."""
    reach = incident.reach(_NEW_SHARE, _NEW_REACH)
    close = [_novelty(suspect, incident, reach) for suspect in suspects]
    thinned = _thinned(sum(novelty is not None for novelty in close))
    return [
        suspect
        if novelty is None
        else suspect.moved(
            max(suspect.suspicion, 0.2) + (0.1 + 0.2 * novelty[0]) * thinned,
            f"first seen {incident.gap(novelty[1])}",
        )
        for suspect, novelty in zip(suspects, close, strict=True)
    ]


def accompanied(
    suspects: Sequence[Suspect], sources: Sequence[SourceSigns], incident: Incident
) -> list[Suspect]:
    """The suspects, raised what came before each return of a problem."""
    found: dict[tuple[int, int | None], tuple[float, str]] = {}
    for problem, began in _returning(suspects, incident):
        for source in sources:
            for companion in companions.companions(source.history, began):
                key = id(source), companion.group
                found[key] = max(found.get(key, (0.0, "")), _company(problem, companion))
    return [
        suspect.moved(max(suspect.suspicion, known[0]), known[1])
        if suspect.kind == "template" and (known := found.get((id(suspect.source), suspect.group)))
        else suspect
        for suspect in suspects
    ]


def _thinned(count: int) -> float:
    return min(1.0, _MANY / max(1, count))


def _nearness(suspect: Suspect, incident: Incident, reach: int) -> float | None:
    """How close before the trouble a change was made; None where it is no lead."""
    if not suspect.is_lead or suspect.onset is None:
        return None
    # Where it was made again before the trouble, only the last time counts.
    if suspect.kind == "change" and _num_since(suspect, suspect.onset, incident.began):
        return None
    return incident.closeness(suspect.onset, reach)


def _as_lead(suspect: Suspect, incident: Incident, closeness: float, thinned: float) -> Suspect:
    assert suspect.onset is not None
    value = (0.34 + 0.2 * closeness) * thinned
    if suspect.kind == "difference":
        value += 0.1
    else:
        # A job that ran before without any trouble is a weaker lead.
        value /= max(1, _num_since(suspect, -1, suspect.onset))
    if _concerns(suspect, incident):
        value += 0.06
    note, *more = suspect.notes
    gap = incident.gap(suspect.onset)
    value = max(suspect.suspicion, min(value, _MAX_SUSPICION))
    return replace(suspect, suspicion=value, notes=(f"{note}, {gap}", *more))


def _num_since(suspect: Suspect, start: int, end: int) -> int:
    """How many records of its group lie from after `start` to before `end`."""
    assert suspect.group is not None
    times = suspect.source.history.times(suspect.group)
    first = np.searchsorted(times, start, side="right")
    return int(np.searchsorted(times, end) - first)


def _concerns(suspect: Suspect, incident: Incident) -> bool:
    """Whether it happened in, or names, a service that is in trouble."""
    services = {service_of(s.name_of_source) for s in (incident.first, incident.strongest)}
    text = suspect.line.text.lower()
    return service_of(suspect.name_of_source) in services or any(
        len(service) > 2 and service in text for service in services
    )


def _novelty(suspect: Suspect, incident: Incident, reach: int) -> tuple[float, int] | None:
    """How close before the trouble a template began, and when; None where it is no lead."""
    if suspect.kind != "template" or suspect.is_problem or suspect.group is None:
        return None
    time = _first_seen(suspect.source, suspect.group, incident)
    if time is None or time > incident.began or _follows(suspect, incident):
        return None
    closeness = incident.closeness(time, reach)
    return None if closeness is None else (closeness, time)


def _first_seen(source: SourceSigns, number: int, incident: Incident) -> int | None:
    """When a group was first seen, if it was to be expected earlier and belongs to no start."""
    group = source.history.group(number)
    if group.first is None or is_part_of_life(group.message):
        return None
    if source.startups.is_within[source.history.positions(number)[0]]:
        return None
    times = source.history.times(number)
    first, last = int(times[0]), int(times[-1])
    absent = first - incident.span[0]
    if absent < max(_MIN_ABSENCE * incident.duration, SECOND):
        return None
    if len(times) > 2 and last > first:
        expected = (len(times) - 1) / (last - first) * absent
        return first if expected >= _MIN_EXPECTED else None
    return first


def _follows(suspect: Suspect, incident: Incident) -> bool:
    """Whether it stands behind the line of the first problem, as its details do."""
    first = incident.first
    return suspect.source is first.source and suspect.line.number > first.line.number


def _returning(suspects: Sequence[Suspect], incident: Incident) -> Iterator[tuple[Suspect, Times]]:
    """The strongest problems, and each time when they came back."""
    strong = [s for s in suspects if s.is_problem and s.suspicion >= STRONG and s.group is not None]
    strong.sort(key=lambda suspect: -suspect.suspicion)
    for problem in strong[:_MAX_RETURNING]:
        assert problem.group is not None
        times = problem.source.history.times(problem.group)
        if len(times):
            yield problem, companions.episodes(times, incident.span)


def _company(problem: Suspect, companion: companions.Companion) -> tuple[float, str]:
    strength = min(problem.suspicion - 0.01, 0.5 + 0.04 * companion.num_episodes)
    note = (
        f"came {duration(companion.lead)} before each of the {companion.num_episodes} times of: "
        f"{shortened(problem.line.text, _MAX_QUOTED_CHARS)}"
    )
    return strength, note
