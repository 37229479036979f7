"""A service manager that carries nothing out, and keeps what reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tools.errors import UnknownService
from tools.scope import ServiceState
from tools.services.control import VERBS, ServiceAction, Verb


@dataclass
class RecordingControl:
    """Services that all run, or none does.

    `orders` and `asked` (the names that it was asked about) are in their order.
    """

    names: Iterable[str]
    name: str = "supervisor"
    verbs: frozenset[Verb] = frozenset(VERBS)
    is_up: bool = True
    orders: list[ServiceAction] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def list_services(self) -> list[ServiceState]:
        self.asked.append("")
        return [self._state(name) for name in self.names]

    def state(self, service: str) -> ServiceState:
        self.asked.append(service)
        if service not in self.names:
            raise UnknownService(service)
        return self._state(service)

    def act(self, action: ServiceAction) -> None:
        self.orders.append(action)

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        self.asked.append(service)
        return ()

    def _state(self, service: str) -> ServiceState:
        if self.is_up:
            return ServiceState(service, "RUNNING", True, pid=7 + len(self.orders))
        return ServiceState(service, "STOPPED", False)
