"""What an approval is asked for: one action with exact arguments, and what a person needs to judge.

The arguments have one canonical form, and an approval is bound to its digest: whatever differs in a
single character is another act. Whether the arguments make sense for the action, its performer and
the caller's permit know.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from assistant.approvals.person import Person
from assistant.errors import ActionInvalid
from assistant.events import Citation

if TYPE_CHECKING:
    from pydantic import JsonValue

Argument = str | int

MAX_ARGUMENTS = 32
MAX_CANONICAL_CHARS = 65_536
MAX_TEXT_CHARS = 2_000
MAX_EVIDENCE = 20
# What every reader of JSON takes for the same whole number.
MAX_INTEGER = 2**53 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CUT = " … (cut)"


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """An act that waits for a person. Raises ActionInvalid.

    `arguments` is flat: strings and whole numbers by name; it cannot be changed afterwards.
    `suggested_by` are the ids of the evidence, all of it untrusted text, from which alone the
    target or the reason came; empty when the person asked for the act. `expected_state` is what the
    act was asked for in (a service's `FATAL`), `undo` how it can be taken back; empty: not at all.
    Of long descriptions the beginning is kept; long arguments are refused.
    """

    action: str
    arguments: Mapping[str, Argument]
    session: str
    turn: int
    asked_by: Person
    reason: str
    evidence: tuple[Citation, ...] = ()
    suggested_by: tuple[str, ...] = ()
    effect: str = ""
    undo: str = ""
    expected_state: str = ""

    def __post_init__(self) -> None:
        _check_name(self.action, "action")
        canonical(self.arguments)
        _check_evidence(self.evidence, self.suggested_by)
        _freeze(self, "arguments", MappingProxyType(dict(sorted(self.arguments.items()))))
        _freeze(self, "evidence", tuple(map(_bounded_citation, self.evidence)))
        for name in ("reason", "effect", "undo", "expected_state"):
            _freeze(self, name, _bounded(getattr(self, name)))

    @property
    def digest(self) -> str:
        """What an approval of it is bound to."""
        return digest_of(self.action, self.arguments)

    def evidence_json(self) -> list[JsonValue]:
        """The evidence as it is shown and recorded."""
        return [
            {"id": one.id, "source": one.source, "line": one.line, "text": one.text}
            for one in self.evidence
        ]


def canonical(arguments: Mapping[str, Argument]) -> str:
    """The one form of `arguments`: JSON in ASCII, sorted, without spaces. Raises ActionInvalid.

    Two forms are equal exactly when the arguments are: same names, same types, same characters.
    """
    if len(arguments) > MAX_ARGUMENTS:
        raise ActionInvalid(
            f"an action with {len(arguments)} arguments", f"give at most {MAX_ARGUMENTS}"
        )
    for name, value in arguments.items():
        _check_name(name, "argument")
        _check_value(name, value)
    text = json.dumps(dict(arguments), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if len(text) > MAX_CANONICAL_CHARS:
        raise ActionInvalid(
            f"arguments of {len(text)} characters", f"give at most {MAX_CANONICAL_CHARS}"
        )
    return text


def digest_of(action: str, arguments: Mapping[str, Argument]) -> str:
    """SHA-256, in hexadecimal, of the action and the canonical form. Raises ActionInvalid."""
    return hashlib.sha256(f"{action}\n{canonical(arguments)}".encode("ascii")).hexdigest()


def _check_name(name: object, what: str) -> None:
    if type(name) is not str or not _NAME.fullmatch(name):
        raise ActionInvalid(
            f"{name!r} is no name of an {what}", "write it like restart_service, in ASCII"
        )


def _check_value(name: str, value: object) -> None:
    """Exact types: a bool is an int to Python, and a subclass may write itself differently."""
    if type(value) is int:
        is_usable = abs(value) <= MAX_INTEGER
    else:
        is_usable = type(value) is str and not _has_surrogates(value)
    if not is_usable:
        raise ActionInvalid(
            f"the argument {name} cannot be {str(value)[:80]!r} ({type(value).__name__})",
            "give a text, or a whole number below 2**53",
        )


def _has_surrogates(text: str) -> bool:
    """Whether halves of characters stand in it: JSON writes two of them as it writes the whole."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _check_evidence(evidence: tuple[Citation, ...], suggested_by: tuple[str, ...]) -> None:
    if len(evidence) > MAX_EVIDENCE:
        raise ActionInvalid(f"{len(evidence)} pieces of evidence", f"show at most {MAX_EVIDENCE}")
    unseen = set(suggested_by) - {one.id for one in evidence}
    if unseen:
        raise ActionInvalid(
            f"suggested by {', '.join(sorted(unseen))}, which the evidence does not show",
            "show the person what suggested the act",
        )


def _bounded_citation(one: Citation) -> Citation:
    return Citation(one.id, one.kind, _bounded(one.source), one.line, _bounded(one.text))


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARS else text[: MAX_TEXT_CHARS - len(_CUT)] + _CUT


def _freeze(request: ActionRequest, name: str, value: object) -> None:
    object.__setattr__(request, name, value)
