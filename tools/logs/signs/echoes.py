"""Echoes: the same trouble told again, by the request beside the error or by another service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tools.logs.moments import SECOND
from tools.logs.signs.suspects import Suspect
from tools.logs.signs.upstream import Dependencies

_TWIN = 0.3
_MAX_TWIN_DISTANCE = 5
_MIN_TROUBLE = 0.4
_STEP = 0.15
_NUM_ROUNDS = 3
_MAX_TROUBLED = 60
_LEAST = 0.01
_HIGHEST = 0.97
# A service that waits for another one may complain first.
_TOLERANCE = 5 * SECOND


def without_twins(suspects: Sequence[Suspect]) -> list[Suspect]:
    """The suspects, a failed request lowered where its error is a record of its own.

    They are known by their equal number in one source, and stand next to each other.
    """
    errors: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for suspect in suspects:
        if suspect.kind == "template" and suspect.is_problem and not _is_request(suspect):
            errors[_size(suspect)].append(suspect.line.number)
    return [
        suspect.moved(suspect.suspicion - _TWIN)
        if _is_request(suspect) and _is_near(suspect, errors[_size(suspect)])
        else suspect
        for suspect in suspects
    ]


def traced(suspects: Sequence[Suspect], dependencies: Dependencies) -> list[Suspect]:
    """The suspects, trouble in a service raised above its echo in those that need it."""
    troubled = [s for s in suspects if _is_troubled(s)]
    troubled.sort(key=lambda suspect: -suspect.suspicion)
    pairs = [
        (cause, echo)
        for cause in troubled[:_MAX_TROUBLED]
        for echo in troubled[:_MAX_TROUBLED]
        if _can_echo(echo, cause, dependencies)
    ]
    level = {id(suspect): suspect.suspicion for suspect in troubled}
    for _ in range(_NUM_ROUNDS if pairs else 0):
        for cause, echo in pairs:
            level[id(cause)], level[id(echo)] = _exchanged(cause, echo, level)
    needed_by = {id(cause): echo.name_of_source for cause, echo in pairs}
    return [
        suspect.moved(
            level.get(id(suspect), suspect.suspicion),
            *([f"{needed_by[id(suspect)]} needs it"] if id(suspect) in needed_by else ()),
        )
        for suspect in suspects
    ]


def _exchanged(cause: Suspect, echo: Suspect, level: dict[int, float]) -> tuple[float, float]:
    """The suspicion of a cause and its echo: they move towards each other, and pass if they can."""
    high, low = level[id(cause)], level[id(echo)]
    if high > low:
        return high, low
    middle = (high + low) / 2
    high = min(middle + _LEAST, cause.suspicion + _STEP, _HIGHEST)
    return high, max(min(middle, high) - _LEAST, echo.suspicion - _STEP)


def _is_request(suspect: Suspect) -> bool:
    if suspect.kind != "template" or suspect.group is None:
        return False
    return suspect.source.history.group(suspect.group).status is not None


def _size(suspect: Suspect) -> tuple[int, int]:
    assert suspect.group is not None
    return id(suspect.source), suspect.source.history.group(suspect.group).count


def _is_near(suspect: Suspect, numbers: Sequence[int]) -> bool:
    return any(abs(number - suspect.line.number) <= _MAX_TWIN_DISTANCE for number in numbers)


def _is_troubled(suspect: Suspect) -> bool:
    return suspect.is_problem and suspect.onset is not None and suspect.suspicion >= _MIN_TROUBLE


def _can_echo(echo: Suspect, cause: Suspect, dependencies: Dependencies) -> bool:
    if echo.source is cause.source or echo.onset is None or cause.onset is None:
        return False
    is_later = cause.onset <= echo.onset + _TOLERANCE
    return is_later and dependencies.needs(echo.name_of_source, cause.name_of_source)
