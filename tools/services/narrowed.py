"""`NarrowedControl`: of a service manager's services those that the settings name.

A machine has hundreds of units, of which a team minds a few; the others are no service to midwatch
and cannot be acted on either.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tools.errors import UnknownService
from tools.scope import ServiceState
from tools.services.control import ServiceAction, ServiceControl, Verb


@dataclass(frozen=True, slots=True)
class NarrowedControl:
    """The services of `control` whose name fits one of `patterns` (`nginx` is `nginx.service`)."""

    control: ServiceControl
    patterns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The manager's own name."""
        return self.control.name

    @property
    def verbs(self) -> frozenset[Verb]:
        """The manager's own verbs."""
        return self.control.verbs

    def list_services(self) -> list[ServiceState]:
        """See `ServiceControl`."""
        return [state for state in self.control.list_services() if self._is_named(state.name)]

    def state(self, service: str) -> ServiceState:
        """See `ServiceControl`."""
        self._require(service)
        return self.control.state(service)

    def act(self, action: ServiceAction) -> None:
        """See `ServiceControl`."""
        self._require(action.service)
        self.control.act(action)

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """See `ServiceControl`."""
        self._require(service)
        return self.control.log_tail(service, max_lines)

    def _require(self, service: str) -> None:
        if not self._is_named(service):
            raise UnknownService(
                f"{service} is none of the services that the settings name",
                f"[services] {self.name.replace('-', '_')} names: {', '.join(self.patterns)}",
            )

    def _is_named(self, service: str) -> bool:
        names = (service, service.removesuffix(".service"))
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.patterns)
