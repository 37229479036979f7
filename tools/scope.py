"""`Scope`: where evidence may come from in one turn.

Live systems, a bundle and attached files all become the same thing: named log sources, captures and
perhaps a service manager. Tools take a scope and never ask which of the three it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from tools.metrics.backend import MetricBackend
    from tools.probes.allow import AllowList


@dataclass(frozen=True, slots=True)
class LogSource:
    """A named log: its files oldest first (rotated ones included), plain, gzip or zstd."""

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

    @property
    def name(self) -> str:
        """What the settings call it."""
        ...

    def list_services(self) -> list[ServiceState]:
        """All services, in the manager's own order."""
        ...


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """Where probes may go, and which of them belong to every first look (name: target)."""

    allow: AllowList
    checks: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 3.0
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a turn may look at. `now` is the moment "the last hour" counts back from.

    `probes` and `has_host` (the machine that this runs on) are live only: a bundle comes from
    elsewhere. `depends_on` names for a service the services that it needs.
    """

    origin: Literal["live", "bundle", "files"]
    now: datetime
    logs: Mapping[str, LogSource] = field(default_factory=dict)
    captures: Mapping[str, Capture] = field(default_factory=dict)
    services: tuple[ServiceBackend, ...] = ()
    metrics: MetricBackend | None = None
    probes: ProbePlan | None = None
    has_host: bool = False
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all to look at."""
        return not (
            self.logs
            or self.captures
            or self.services
            or self.metrics
            or self.probes
            or self.has_host
        )
