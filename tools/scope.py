"""`Scope`: where evidence may come from in one turn.

Live systems, a bundle and attached files all become the same thing: named log sources, captures and
perhaps a service manager. Tools take a scope and never ask which of the three it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class LogSource:
    """A named log: its files oldest first (rotated ones included), plain or gzip."""

    name: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Capture:
    """The recorded output of a command. `command` is empty when nobody wrote down which one."""

    name: str
    path: Path
    command: str = ""
    succeeded: bool = True


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as its manager describes it. `state` is the manager's own word for it."""

    name: str
    state: str
    is_healthy: bool
    description: str = ""
    pid: int | None = None
    since: datetime | None = None
    exit_status: int | None = None
    log_paths: tuple[Path, ...] = ()


class ServiceBackend(Protocol):
    """A service manager, read-only. Every call may raise BackendUnavailable."""

    name: str

    def list_services(self) -> list[ServiceState]:
        """All services, in the manager's own order."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a turn may look at. `now` is the moment "the last hour" counts back from."""

    origin: Literal["live", "bundle", "files"]
    now: datetime
    logs: Mapping[str, LogSource] = field(default_factory=dict)
    captures: Mapping[str, Capture] = field(default_factory=dict)
    services: ServiceBackend | None = None
