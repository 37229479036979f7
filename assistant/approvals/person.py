"""Who decides: a person as one of the fronts knows them.

The fronts answer for the names: each takes them from what it has verified itself (Slack's signed
payload, the system's user id), never from a text that somebody wrote.
"""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from typing import Literal, get_args

from assistant.errors import ApprovalRefused

Front = Literal["cli", "tui", "slack", "api"]
FRONTS: tuple[Front, ...] = get_args(Front)

# The fronts whose names mean the same people: both are the users of this machine.
_SYSTEM_FRONTS = ("cli", "tui")


@dataclass(frozen=True, slots=True)
class Person:
    """A person at a front. `user` and `groups` are its own names, compared letter for letter.

    Raises ApprovalRefused without a known front or a name.
    """

    front: Front
    user: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.front not in FRONTS:
            raise ApprovalRefused(
                f"there is no front {self.front!r}", "decide at one of: " + ", ".join(FRONTS)
            )
        if not self.user.isprintable() or not self.user.strip():
            raise ApprovalRefused(f"{self.user!r} is nobody's name", "sign in with a name")

    def __str__(self) -> str:
        return f"{self.user} ({self.front})"

    @property
    def directory(self) -> str:
        """Whose names these are: only within one can it be told whether two people are the same."""
        return "system" if self.front in _SYSTEM_FRONTS else self.front


def system_person(front: Literal["cli", "tui"]) -> Person:
    """The user of this machine who runs this process. No environment variable has a say in it."""
    user_id = os.getuid()
    try:
        entry = pwd.getpwuid(user_id)
    except KeyError:  # a container whose user has no name
        return Person(front, f"uid-{user_id}")
    group_ids = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Person(front, entry.pw_name, tuple(filter(None, map(_group_name, group_ids))))


def _group_name(group_id: int) -> str:
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return ""
