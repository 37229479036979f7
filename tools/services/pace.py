"""`Pace`: how often services may be acted on, so that a loop of good intentions stays harmless.

It is a pure judgement over the actions of the past, which whoever keeps them hands in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from tools.errors import ActionRefused
from tools.services.control import ServiceAction

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PastAction:
    """An action that was begun at `at` (UTC), whatever came of it."""

    action: ServiceAction
    at: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """The least time between two actions on one service, and the most actions within an hour."""

    cooldown_s: float = 300.0
    max_per_service_hour: int = 3
    max_per_hour: int = 10

    def check(self, action: ServiceAction, past: Iterable[PastAction], now: datetime) -> None:
        """Return when `action` may take place at `now` (UTC). Raises ActionRefused otherwise.

        `past` may be in any order. One that seems to lie in the future counts as just done: a clock
        that was set back opens no door. Starting what was stopped last is always allowed: no limit
        may keep a service down.
        """
        recent = sorted(past, key=lambda done: done.at)
        same = [done for done in recent if done.action.target == action.target]
        if action.verb == "start" and same and same[-1].action.verb == "stop":
            return
        self._check_cooldown(action, same, now)
        name = f"{action.service} was"
        _check_count(name, same, self.max_per_service_hour, now)
        _check_count("services were", recent, self.max_per_hour, now)

    def _check_cooldown(self, action: ServiceAction, same: list[PastAction], now: datetime) -> None:
        if not same:
            return
        left = timedelta(seconds=self.cooldown_s) - _age(same[-1], now)
        if left > timedelta(0):
            raise ActionRefused(
                f"{action.service} was acted on ({same[-1].action.verb})"
                f" {_in_words(_age(same[-1], now))} ago",
                f"see first whether that helped; again in {_in_words(left)}",
            )


def _check_count(what: str, past: list[PastAction], limit: int, now: datetime) -> None:
    within = [done for done in past if _age(done, now) < _HOUR]
    if len(within) < limit:
        return
    # As many of the oldest as are too many must be out of the hour.
    left = _HOUR - _age(within[len(within) - limit], now) if limit else _HOUR
    raise ActionRefused(
        f"{what} acted on {len(within)} times within an hour, and {limit} is the limit",
        f"what was tried so often does not help; again in {_in_words(left)}",
    )


def _age(done: PastAction, now: datetime) -> timedelta:
    return max(now - done.at, timedelta(0))


def _in_words(time: timedelta) -> str:
    seconds = ceil(time.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{ceil(seconds / 60)} min"
