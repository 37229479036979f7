"""Quotas: how many turns, and how many tokens of the model, one user may have.

One person who asks in a loop must not keep the others waiting. What alerts ask counts by itself:
a night of alerts takes nothing from the people who are called by them, and the other way round. The
counts live in this process and begin anew with it; of several servers each counts its own.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from assistant.access.errors import QuotaExceeded
from assistant.access.window import SlidingWindow
from assistant.approvals.person import Person

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0
MAX_USERS = 10_000
_TURNS_A_MINUTE = "turns per minute"
_TURNS_AN_HOUR = "turns per hour"
_TOKENS_A_DAY = "tokens per day"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user may have; 0 stands for no limit.

    Tokens are those that a model computed: of prompts, less what was cached, and of answers. A turn
    may go over them, and the next one is refused.
    """

    turns_at_once: int = 0
    turns_per_minute: int = 0
    turns_per_hour: int = 0
    tokens_per_day: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there is no limit at all."""
        return self == NO_LIMITS


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Key:
    """Whose turns count together: a name means something within one directory."""

    is_alert: bool
    directory: str
    user: str


@dataclass(slots=True)
class _User:
    """What one user has now, and had within the windows; `windows` are those with a limit."""

    windows: dict[str, SlidingWindow]
    num_running: int = 0

    def is_idle(self, now: float) -> bool:
        return not self.num_running and not any(w.used(now) for w in self.windows.values())


@dataclass(slots=True)
class Admission:
    """A turn that was let in; `end` it, however it ends."""

    _quotas: Quotas
    _user: _User
    _has_ended: bool = False

    def end(self, num_tokens: int = 0) -> None:
        """Give the place back, and count the tokens that the turn took; may be called twice."""
        if not self._has_ended:
            self._has_ended = True
            self._quotas.settle(self._user, num_tokens)


class Quotas:
    """Lets turns in, or refuses them. Nothing in it waits; it belongs to one event loop."""

    def __init__(
        self,
        people: Limits,
        alerts: Limits = NO_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        max_users: int = MAX_USERS,
    ) -> None:
        self._people = people
        self._alerts = alerts
        self._clock = clock
        self._max_users = max_users
        # Whoever asked last stands last.
        self._users: OrderedDict[_Key, _User] = OrderedDict()
        self._swept_at = clock()

    @property
    def num_users(self) -> int:
        """How many users anything is known of."""
        return len(self._users)

    def admit(self, person: Person, *, is_alert: bool = False) -> Admission:
        """A place for a turn of `person`. Raises QuotaExceeded, which counts as nothing."""
        limits = self._alerts if is_alert else self._people
        if limits.is_open:
            return Admission(self, _User({}))
        now = self._clock()
        user = self._known(_Key(is_alert, person.directory, person.user), limits, now)
        _refuse_more(user, limits, now)
        user.num_running += 1
        for name in (_TURNS_A_MINUTE, _TURNS_AN_HOUR):
            if name in user.windows:
                user.windows[name].take(now)
        return Admission(self, user)

    def settle(self, user: _User, num_tokens: int) -> None:
        """End a turn of `user`; see `Admission.end`."""
        user.num_running -= 1
        if _TOKENS_A_DAY in user.windows and num_tokens > 0:
            user.windows[_TOKENS_A_DAY].take(self._clock(), num_tokens)

    def _known(self, key: _Key, limits: Limits, now: float) -> _User:
        if now - self._swept_at >= _MINUTE_S:
            self._forget_idle(now)
        user = self._users.setdefault(key, _User(_windows(limits)))
        self._users.move_to_end(key)
        if len(self._users) > self._max_users:
            self._forget_one_besides(key)
        return user

    def _forget_idle(self, now: float) -> None:
        self._swept_at = now
        for key in [key for key, user in self._users.items() if user.is_idle(now)]:
            del self._users[key]

    def _forget_one_besides(self, newest: _Key) -> None:
        """Forget who has not asked for the longest time, though not anybody whose turn runs."""
        for key, user in self._users.items():
            if not user.num_running and key != newest:
                del self._users[key]
                return


def _windows(limits: Limits) -> dict[str, SlidingWindow]:
    wanted = {
        _TURNS_A_MINUTE: (_MINUTE_S, limits.turns_per_minute),
        _TURNS_AN_HOUR: (_HOUR_S, limits.turns_per_hour),
        _TOKENS_A_DAY: (_DAY_S, limits.tokens_per_day),
    }
    return {name: SlidingWindow(span_s, limit) for name, (span_s, limit) in wanted.items() if limit}


def _refuse_more(user: _User, limits: Limits, now: float) -> None:
    """Raises QuotaExceeded for the quota that takes longest to be free again."""
    waits = {name: window.wait_s(now) for name, window in user.windows.items()}
    longest = max(waits, key=lambda name: waits[name], default=None)
    if longest is not None and waits[longest] > 0:
        window = user.windows[longest]
        raise QuotaExceeded(longest, window.used(now), window.limit, waits[longest])
    if limits.turns_at_once and user.num_running >= limits.turns_at_once:
        raise QuotaExceeded("turns at once", user.num_running, limits.turns_at_once, None)
