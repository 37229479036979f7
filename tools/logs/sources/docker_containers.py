"""Containers as the Docker Engine describes them: which there are, and what became of each.

The answers of /containers/json and /containers/{id}/json (Docker Engine API), as far as they are
used. Asking is left to `tools.logs.sources.docker_engine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tools.errors import BackendUnavailable
from tools.logs.sources.docker_engine import DockerEngine, DockerRefused
from tools.logs.sources.moments import Moment
from tools.logs.sources.names import printable
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchWatch
from tools.window import Window

_T = TypeVar("_T")
_ID_CHARS = 12
# What is none must not become part of a path.
_ID = r"^\w[\w-]{0,127}$"


@dataclass(frozen=True, slots=True)
class DockerTarget:
    """Which containers: those of the engine at `url`, or of the one that DOCKER_HOST names.

    `containers` are names, ids or patterns (`shop-*`); all when there are none.
    """

    containers: tuple[str, ...] = ()
    url: str = ""


class Health(BaseModel):
    """What the container's own health check says; the status is empty without one."""

    status: str = Field(alias="Status", default="")
    failing_streak: int = Field(alias="FailingStreak", default=0)


class State(BaseModel):
    """The state of a container; the engine's time for "never" is in the year 1."""

    status: str = Field(alias="Status")
    is_oom_killed: bool = Field(alias="OOMKilled", default=False)
    pid: int = Field(alias="Pid", default=0)
    exit_code: int = Field(alias="ExitCode", default=0)
    error: str = Field(alias="Error", default="")
    started_at: Moment | None = Field(alias="StartedAt", default=None)
    finished_at: Moment | None = Field(alias="FinishedAt", default=None)
    health: Health | None = Field(alias="Health", default=None)


class Config(BaseModel):
    """How a container was set up."""

    has_tty: bool = Field(alias="Tty", default=False)


class HostConfig(BaseModel):
    """How a container is run on its host."""

    is_removed_at_end: bool = Field(alias="AutoRemove", default=False)


class Inspected(BaseModel):
    """A container as /containers/{id}/json describes it."""

    id: str = Field(alias="Id", pattern=_ID)
    name: str = Field(alias="Name")
    state: State = Field(alias="State")
    config: Config = Field(alias="Config", default_factory=lambda: Config())
    host_config: HostConfig = Field(alias="HostConfig", default_factory=lambda: HostConfig())
    restarts: int = Field(alias="RestartCount", default=0)

    @property
    def shown_name(self) -> str:
        """Its name without the slash, printable."""
        return printable(self.name.lstrip("/")) or self.id[:_ID_CHARS]

    def ran_in(self, window: Window) -> bool:
        """Whether it ran at some time within `window`, as far as its last run shows."""
        state = self.state
        if state.started_at is None or state.started_at.year <= 1:
            return False
        has_begun = window.end is None or state.started_at < window.end
        if state.pid or state.finished_at is None or window.start is None:
            return has_begun
        return has_begun and state.finished_at >= window.start


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers that were asked for, in the engine's order, and notes on those left out."""

    found: tuple[Inspected, ...]
    notes: tuple[str, ...]


class Listed(BaseModel):
    """A container as /containers/json lists it."""

    id: str = Field(alias="Id", pattern=_ID)
    names: list[str] = Field(alias="Names", default=[])

    def fits(self, patterns: Sequence[str]) -> bool:
        """Whether its name or id fits one of `patterns`, or there are none."""
        names = [*(name.lstrip("/") for name in self.names), self.id, self.id[:_ID_CHARS]]
        return not patterns or any(fnmatchcase(n, p) for n in names for p in patterns)


_LIST = TypeAdapter(list[Listed])
_INSPECTED = TypeAdapter(Inspected)


def list_containers(
    engine: DockerEngine, target: DockerTarget, watch: FetchWatch
) -> tuple[list[Listed], list[str]]:
    """The containers of `target`, running or not, and notes on names that fit none.

    Raises BackendUnavailable.
    """
    (listed,) = run_all([partial(_list, engine)], watch)
    if listed is None:
        raise BackendUnavailable(
            f"the docker engine did not list its containers: {watch.stop_reason()}", "try again"
        )
    notes = [
        f"there is no container {printable(pattern)}"
        for pattern in target.containers
        if not any(container.fits([pattern]) for container in listed)
    ]
    return [container for container in listed if container.fits(target.containers)], notes


def read_containers(
    engine: DockerEngine, target: DockerTarget, limit: int, watch: FetchWatch
) -> Containers:
    """The first `limit` containers of `target`, running or not. Raises BackendUnavailable."""
    listed, notes = list_containers(engine, target, watch)
    if len(listed) > limit:
        notes.append(f"{len(listed) - limit} of {len(listed)} containers were not looked at")
    results = run_all([partial(_inspect, engine, found) for found in listed[:limit]], watch)
    if None in results:
        notes.append(f"{results.count(None)} containers did not answer: {watch.stop_reason()}")
    notes += [result for result in results if isinstance(result, str)]
    found = tuple(result for result in results if isinstance(result, Inspected))
    return Containers(found, tuple(notes))


def read_container(engine: DockerEngine, container_id: str) -> Inspected:
    """The container of this full id. Raises DockerRefused or BackendUnavailable."""
    return _valid(_INSPECTED, engine.json(f"/containers/{container_id}/json", {}))


def _list(engine: DockerEngine) -> list[Listed]:
    try:
        return _valid(_LIST, engine.json("/containers/json", {"all": 1}))
    except DockerRefused as error:
        raise BackendUnavailable(
            f"the docker engine refused to list its containers: {error.message}",
            "check what this user may do there",
        ) from error


def _inspect(engine: DockerEngine, container: Listed) -> Inspected | str:
    """The container, or why it cannot be described: it may be gone by now."""
    try:
        return read_container(engine, container.id)
    except (DockerRefused, BackendUnavailable) as error:
        return f"container {container.id[:_ID_CHARS]} was left out: {error.message}"


def _valid(adapter: TypeAdapter[_T], answer: object) -> _T:
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        raise BackendUnavailable(
            "what answers is not a docker engine", "check DOCKER_HOST"
        ) from error
