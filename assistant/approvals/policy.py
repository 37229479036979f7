"""Who may decide: the settings `[approvals]`, read.

An entry of `allow` is `front:who:action`: a front, then a user, a `@group` or `*`, then an action
or a pattern of actions (`restart_*`). What no entry allows is refused. `two_person` names actions
that two different people have to agree to. Whoever asked for the act may be one of them: to ask is
not yet to agree, and the other one is somebody else in any case.

Names mean something within one front only. That `anna` in the terminal and `U07ANNA` in Slack are
two people cannot be known, so both must come from one front; `cli` and `tui` count as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from assistant.approvals.person import FRONTS, Front, Person
from assistant.errors import SettingsError
from tools.errors import InvalidQuery
from tools.window import parse_duration

DEFAULT_ALLOW = ("cli:*:*", "tui:*:*")
DEFAULT_EXPIRES = "15m"

# An action's name, or a pattern of names. What can match none would protect nothing, unnoticed.
_PATTERN = re.compile(r"[a-z0-9_*?\[\]!]+")
_FORM = "write front:who:action, like slack:@oncall:restart_service or cli:*:*"


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of `allow`: who, at which front, may decide about which actions."""

    front: Front
    who: str
    action: str

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """Raises SettingsError. What stands between the first and the last colon is `who`."""
        front, _, rest = text.partition(":")
        who, colon, action = rest.rpartition(":")
        if front not in FRONTS or not colon or who.strip() in ("", "@"):
            raise SettingsError(f"{text!r} says of nobody what they may decide", _FORM)
        return cls(front, who, _pattern(action))

    def covers(self, person: Person, action: str) -> bool:
        """Whether `person` may decide about `action` by this entry."""
        return (
            person.front == self.front and fnmatchcase(action, self.action) and self._names(person)
        )

    def _names(self, person: Person) -> bool:
        if self.who.startswith("@"):
            return self.who.removeprefix("@") in person.groups
        return self.who in ("*", person.user)

    def __str__(self) -> str:
        return f"{'anyone' if self.who == '*' else self.who} ({self.front})"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may decide about which action, how many people it takes, and how much time they have."""

    allow: tuple[Allowed, ...]
    two_person: tuple[str, ...]
    expires: timedelta

    @classmethod
    def parse(
        cls,
        allow: Iterable[str] = DEFAULT_ALLOW,
        two_person: Iterable[str] = (),
        expires: str = DEFAULT_EXPIRES,
    ) -> Policy:
        """The policy of the settings. Raises SettingsError."""
        return cls(
            tuple(map(Allowed.parse, allow)), tuple(map(_pattern, two_person)), _expiry(expires)
        )

    def may_decide(self, person: Person, action: str) -> bool:
        """Whether an entry lets `person` decide about `action`."""
        return any(entry.covers(person, action) for entry in self.allow)

    def who_may(self, action: str) -> str:
        """Those who may decide about `action`, for a person: `@oncall (slack), anyone (cli)`."""
        entries = [str(one) for one in self.allow if fnmatchcase(action, one.action)]
        return ", ".join(dict.fromkeys(entries)) or "nobody: [approvals] allow has no entry for it"

    def num_people(self, action: str) -> int:
        """How many different people have to agree."""
        return 2 if any(fnmatchcase(action, pattern) for pattern in self.two_person) else 1

    def num_missing(self, action: str, agreed: Sequence[Person]) -> int:
        """How many more have to agree than those in `agreed` who may."""
        counted = [person for person in agreed if self.may_decide(person, action)]
        # Names of another front than the first one's may be the same person's.
        different = {one.user for one in counted if one.directory == counted[0].directory}
        return max(0, self.num_people(action) - len(different))


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise SettingsError(
            f"{text!r} is no action", "write a name or a pattern: restart_service, restart_*, *"
        )
    return text


def _expiry(text: str) -> timedelta:
    try:
        expires = parse_duration(text)
    except InvalidQuery as error:
        raise SettingsError(error.message, error.hint) from error
    if not expires:
        raise SettingsError("an approval that expires at once", "give it some time, like 15m")
    return expires
