"""`ServiceControl`: the one interface to act on services, whichever manager runs them.

It says what an action is and what a service manager must be able to do. Whether an action may take
place at all is decided elsewhere: by the allow-list (`tools.services.permits`) and by a person
(`assistant.approvals`). How one is carried out, checked and undone is `tools.services.operation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from tools.errors import InvalidQuery
from tools.scope import ServiceState
from tools.services.names import check_backend_name, check_service_name, shown

Verb = Literal["restart", "start", "stop", "scale", "delete"]
VERBS: tuple[Verb, ...] = ("restart", "start", "stop", "scale", "delete")
MAX_REPLICAS = 1000
_VERB_OF: dict[str, Verb] = {f"{verb}_service": verb for verb in VERBS}
ACTION_NAMES = tuple(_VERB_OF)
_FORM = f"actions are {', '.join(ACTION_NAMES)}"


@dataclass(frozen=True, slots=True)
class ServiceAction:
    """One change to one service. Two actions are the same exactly when all fields are equal.

    `service` is a full name as `list_services` of `backend` gives it, letter for letter.
    `replicas` belongs to `scale` alone. `delete` is for pods, which their owner makes anew.
    """

    verb: Verb
    backend: str
    service: str
    replicas: int | None = None

    @property
    def name(self) -> str:
        """What the action is called where others than service managers act, too."""
        return f"{self.verb}_service"

    @property
    def target(self) -> tuple[str, str]:
        """What the action changes: the service manager and the service."""
        return (self.backend, self.service)

    def as_arguments(self) -> dict[str, str | int]:
        """The canonical arguments, which an approval is bound to."""
        named: dict[str, str | int] = {"backend": self.backend, "service": self.service}
        return named if self.replicas is None else {**named, "replicas": self.replicas}

    def checked(self) -> ServiceAction:
        """This action, read back from its canonical arguments. Raises InvalidQuery as `of` does."""
        return ServiceAction.of(self.name, self.as_arguments())

    @classmethod
    def of(cls, action: str, arguments: Mapping[str, object]) -> ServiceAction:
        """The action behind a name like `restart_service` and canonical arguments.

        Raises InvalidQuery for any other name, key or type, and for a service's name that could be
        anything but the name of one service.
        """
        verb = _VERB_OF.get(action) if type(action) is str else None
        if verb is None:
            raise InvalidQuery(f"{shown(str(action))} is no action on a service", _FORM)
        expected = {"backend", "service", "replicas"} if verb == "scale" else {"backend", "service"}
        if set(arguments) != expected:
            raise InvalidQuery(f"{action} takes {', '.join(sorted(expected))}, and no more", _FORM)
        backend, service = _text(arguments, "backend"), _text(arguments, "service")
        check_backend_name(backend)
        check_service_name(service)
        return cls(verb, backend, service, _replicas(arguments) if verb == "scale" else None)


class ServiceControl(Protocol):
    """A service manager that can act. Each call may raise BackendUnavailable.

    `verbs` are those that it knows. No call goes through a shell, and a service's name can never be
    taken for an option or for more than one service.
    """

    @property
    def name(self) -> str:
        """What the settings and actions call it."""
        ...

    @property
    def verbs(self) -> frozenset[Verb]:
        """What it can be told to do."""
        ...

    def list_services(self) -> list[ServiceState]:
        """All services, in the manager's own order."""
        ...

    def state(self, service: str) -> ServiceState:
        """The service as it is now. Raises UnknownService when no service has exactly this name."""
        ...

    def act(self, action: ServiceAction) -> None:
        """Ask the manager for the change; returns when it has taken the order.

        Raises ActionFailed when it refused or never got the order, UnknownService, and InvalidQuery
        for a verb that it does not know. BackendUnavailable means that it is in doubt whether the
        order was carried out.
        """
        ...

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """The newest lines of the service's log, oldest first; empty when it has none."""
        ...


@runtime_checkable
class ScalingControl(Protocol):
    """What a service manager that knows `scale` can also say."""

    def replicas(self, service: str) -> int:
        """How many replicas of the service are asked for now.

        Raises BackendUnavailable, and UnknownService as `state` does.
        """
        ...


def _text(arguments: Mapping[str, object], key: str) -> str:
    value = arguments[key]
    # Subclasses may compare equal to what they are not.
    if type(value) is not str:
        raise InvalidQuery(f"{key} must be a text", _FORM)
    return value


def _replicas(arguments: Mapping[str, object]) -> int:
    value = arguments["replicas"]
    if type(value) is not int or not 0 <= value <= MAX_REPLICAS:
        raise InvalidQuery(f"replicas must be a whole number up to {MAX_REPLICAS}", _FORM)
    return value
