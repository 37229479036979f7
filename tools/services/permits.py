"""`Permits`: which services may be acted on, and how. It decides before anything reaches a manager.

It comes from the settings alone and is frozen: nothing that a model, a log or a runbook says can
widen it. An entry is `backend:name` or `backend:name:verb,verb`, without verbs `restart`:

    supervisor:web                       restart this one
    supervisor:shop:worker_*             restart these programs of the group `shop`
    docker:api-?:restart,stop,start
    kubernetes:prod/deployment/*:restart,scale
    systemd:worker@*.service             with the suffix, as the list shows it

`*` and `?` stand for any characters but `/` and `:`, so that a pattern stays within its group or
namespace. A protected name is never acted on: `name` at every manager, `backend:name` at one. There
`*` crosses everything, case does not matter, and `postgres` also means `db:postgres`,
`prod/statefulset/postgres` and `postgres.service`, because what is meant to be safe should be.

How often is left to `tools.services.pace`, whether a person agrees to `assistant.approvals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

from tools.errors import ActionRefused, InvalidQuery
from tools.services.control import MAX_REPLICAS, VERBS, ServiceAction, ServiceControl, Verb
from tools.services.names import check_backend_name, last_part, shown

BACKENDS = ("supervisor", "systemd", "systemd-user", "docker", "kubernetes")
ALLOW_SETTING = "[services] allow"
PROTECTED_SETTING = "[services] protected"
REPLICAS_SETTING = "[services] max_replicas"
DEFAULT_MAX_REPLICAS = 20

_FORMS = (
    'write "supervisor:web", "docker:api-*:restart,stop" or "kubernetes:prod/deployment/*:scale"'
)
_PROTECTED_FORMS = 'write "postgres*" for every service manager, or "docker:postgres*" for one'
_PATTERN = re.compile(r"[\w.:@/+~=\\*?-]+")
_MAX_CLOSE = 3
assert set(VERBS) == set(get_args(Verb))


@dataclass(frozen=True, slots=True)
class Permit:
    """One entry of the allow-list."""

    backend: str
    pattern: str
    verbs: frozenset[Verb]

    @classmethod
    def parse(cls, entry: str) -> Permit:
        """The entry of a setting. Raises InvalidQuery, which says what is wrong with it."""
        backend, colon, rest = entry.strip().partition(":")
        if not colon:
            raise _bad(entry, "it does not say whose service it means")
        _check_backend(entry, backend)
        pattern, verbs = _split(entry, rest)
        _check_pattern(entry, pattern, ALLOW_SETTING, _FORMS)
        return cls(backend, pattern, verbs)

    def names(self, action: ServiceAction) -> bool:
        """Whether it is about the service of `action`, whatever the verb."""
        is_same = action.backend == self.backend
        return is_same and bool(_strict(self.pattern).fullmatch(action.service))

    def allows(self, action: ServiceAction) -> bool:
        """Whether `action` may take place by this entry."""
        return action.verb in self.verbs and self.names(action)


@dataclass(frozen=True, slots=True)
class Protection:
    """One entry of what is never acted on; an empty `backend` stands for all."""

    backend: str
    pattern: str

    @classmethod
    def parse(cls, entry: str) -> Protection:
        """The entry of a setting. Raises InvalidQuery, which says what is wrong with it."""
        text = entry.strip()
        backend, colon, rest = text.partition(":")
        is_scoped = bool(colon) and backend in BACKENDS
        pattern = rest if is_scoped else text
        if colon and not is_scoped:
            _check_not_meant(entry, backend)
        _check_pattern(entry, pattern, PROTECTED_SETTING, _PROTECTED_FORMS)
        return cls(backend if is_scoped else "", pattern)

    def covers(self, action: ServiceAction) -> bool:
        """Whether the service of `action` is protected by this entry."""
        if self.backend not in ("", action.backend):
            return False
        pattern = _wide(self.pattern)
        return any(pattern.fullmatch(name) for name in _called(action.service))


@dataclass(frozen=True, slots=True)
class Permits:
    """What may be done to services: nothing, when it is empty."""

    allowed: tuple[Permit, ...] = ()
    protected: tuple[Protection, ...] = ()
    max_replicas: int = DEFAULT_MAX_REPLICAS

    @classmethod
    def parse(
        cls,
        allow: Iterable[str],
        protected: Iterable[str] = (),
        max_replicas: int = DEFAULT_MAX_REPLICAS,
    ) -> Permits:
        """The entries of the settings. Raises InvalidQuery, which names the bad one."""
        if not 1 <= max_replicas <= MAX_REPLICAS:
            raise InvalidQuery(
                f"{REPLICAS_SETTING} is {max_replicas}", f"it must be from 1 to {MAX_REPLICAS}"
            )
        return cls(
            tuple(Permit.parse(entry) for entry in allow),
            tuple(Protection.parse(entry) for entry in protected),
            max_replicas,
        )

    def check(self, action: ServiceAction, control: ServiceControl) -> None:
        """Return when `action` may be asked of `control`. Raises ActionRefused otherwise.

        `control` is asked for its list, and only when the entries allow the action: raises what
        `list_services` does.
        """
        self.check_entries(action)
        if control.name != action.backend:
            raise ActionRefused(f"{control.name} was asked for a service of {action.backend}")
        if action.verb not in control.verbs:
            known = ", ".join(sorted(control.verbs))
            raise ActionRefused(f"{control.name} cannot {action.verb} a service; it can {known}")
        names = [state.name for state in control.list_services()]
        if action.service not in names:
            raise _unlisted(action, names)

    def check_entries(self, action: ServiceAction) -> None:
        """Raise ActionRefused unless the entries and bounds allow `action`; asks nobody."""
        _check_form(action)
        if any(protection.covers(action) for protection in self.protected):
            raise ActionRefused(
                f"{action.service} is protected: midwatch never acts on it",
                f"{PROTECTED_SETTING} says so; act on it by hand",
            )
        if not any(permit.allows(action) for permit in self.allowed):
            raise self._not_allowed(action)
        if action.replicas is not None:
            self._check_replicas(action.replicas)

    def _not_allowed(self, action: ServiceAction) -> ActionRefused:
        entry = f'"{action.backend}:{action.service}:{action.verb}"'
        if not self.allowed:
            what = "midwatch may not act on any service here"
        elif any(permit.names(action) for permit in self.allowed):
            what = f"{action.service} may not be acted on with {action.verb}"
        else:
            what = f"{action.service} of {action.backend} may not be acted on"
        return ActionRefused(what, f"whoever runs midwatch can add {entry} to {ALLOW_SETTING}")

    def _check_replicas(self, replicas: int) -> None:
        if replicas == 0:
            raise ActionRefused(
                "scaling to 0 is an outage by another name",
                "scale to 1 or more; take the service down by hand if that is what is wanted",
            )
        if replicas > self.max_replicas:
            raise ActionRefused(
                f"{replicas} replicas are more than the {self.max_replicas} that are allowed",
                f"whoever runs midwatch can raise {REPLICAS_SETTING}",
            )


def _check_form(action: ServiceAction) -> None:
    """Raise ActionRefused unless `action` is what its canonical arguments make."""
    try:
        is_canonical = action.checked() == action
    except InvalidQuery as error:
        raise ActionRefused(error.message, error.hint) from error
    if not is_canonical:
        raise ActionRefused(f"{shown(repr(action))} is no action on a service")


def _unlisted(action: ServiceAction, names: list[str]) -> ActionRefused:
    close = get_close_matches(action.service, names, _MAX_CLOSE)
    hint = f"it lists {', '.join(close)}" if close else "see: midwatch services list"
    return ActionRefused(
        f"{action.backend} lists no service named exactly {shown(action.service)}", hint
    )


def _split(entry: str, rest: str) -> tuple[str, frozenset[Verb]]:
    """The pattern and the verbs of `name[:verb,verb]`, where a name may have a colon, too."""
    pattern, colon, last = rest.rpartition(":")
    words = [word.strip() for word in last.split(",")]
    verbs = frozenset(verb for verb in VERBS if verb in words)
    if colon and len(verbs) == len(set(words)):
        return pattern, verbs
    if "," in last:
        unknown = next((word for word in words if word not in VERBS), last)
        raise _bad(entry, f"{shown(unknown)} is none of the verbs {', '.join(VERBS)}")
    meant = get_close_matches(last, VERBS, 1, cutoff=0.75) if colon else []
    if meant:
        raise _bad(entry, f"{shown(last)} is no verb; {meant[0]} is")
    return rest, frozenset(("restart",))


def _check_backend(entry: str, backend: str) -> None:
    if backend in BACKENDS:
        return
    try:
        check_backend_name(backend)
    except InvalidQuery as error:
        raise _bad(entry, error.message) from error
    raise _bad(entry, f"{shown(backend)} is none of {', '.join(BACKENDS)}")


def _check_not_meant(entry: str, group: str) -> None:
    """Raise InvalidQuery for a group that looks like a misspelt manager: it would protect nothing.

    A group that is really called so can be written behind its manager.
    """
    meant = get_close_matches(group.lower(), BACKENDS, 1, cutoff=0.75)
    if meant:
        raise InvalidQuery(
            f"{shown(entry)} in {PROTECTED_SETTING} cannot be used: {shown(group)} is no service"
            f" manager, {meant[0]} is",
            _PROTECTED_FORMS,
        )


def _check_pattern(entry: str, pattern: str, setting: str, forms: str) -> None:
    if not pattern:
        raise InvalidQuery(f"{shown(entry)} in {setting} names no service", forms)
    if not _PATTERN.fullmatch(pattern):
        raise InvalidQuery(
            f"{shown(entry)} in {setting} holds what no name of a service has;"
            " of patterns, only * and ? are known",
            forms,
        )


def _called(service: str) -> tuple[str, ...]:
    """What a person may mean by a service: its full name, or its last part alone."""
    names = (service, last_part(service))
    return (*names, *(name.removesuffix(".service") for name in names))


def _strict(pattern: str) -> re.Pattern[str]:
    """`*` and `?` cross neither `/` nor `:`."""
    return _expression(pattern, "[^/:]")


def _wide(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stand for anything, in either case."""
    return _expression(pattern, ".", re.IGNORECASE | re.DOTALL)


def _expression(pattern: str, character: str, flags: int = 0) -> re.Pattern[str]:
    parts = {"*": f"{character}*", "?": character}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), flags)


def _bad(entry: str, reason: str) -> InvalidQuery:
    return InvalidQuery(f"{shown(entry)} in {ALLOW_SETTING} cannot be used: {reason}", _FORMS)
