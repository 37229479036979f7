"""Docker as a service back end: its containers, and their states in words. Read-only."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tools.logs.sources.docker_containers import (
    DockerTarget,
    Inspected,
    State,
    read_containers,
)
from tools.logs.sources.docker_engine import open_engine
from tools.logs.sources.moments import stamp
from tools.logs.sources.names import printable
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceState

_log = logging.getLogger(__name__)
_LIMITS = FetchLimits(timeout_s=10.0, max_logs=500)
# A container that came up this recently after this many restarts has not shown that it stays up.
_RECENTLY = timedelta(minutes=10)
_MANY_RESTARTS = 3
_MAX_ERROR_CHARS = 200
# A status above 128 is 128 and the number of the signal that ended the program.
_SIGNALS = {134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}


@dataclass(slots=True)
class DockerBackend:
    """The containers of `target` as services.

    A container is healthy when it runs and its own health check, if it has one, does not fail; when
    it has ended with status 0; or when it was never started. One that keeps being restarted is not.
    """

    target: DockerTarget = field(default_factory=DockerTarget)
    name: str = field(default="docker", init=False)

    def list_services(self) -> list[ServiceState]:
        """All containers, in docker's order. Raises BackendUnavailable."""
        containers = all_containers(self.target)
        now = datetime.now(UTC)
        return [state_of(container, now) for container in containers]


def all_containers(target: DockerTarget) -> Sequence[Inspected]:
    """The containers of `target`, in docker's order. Raises BackendUnavailable."""
    watch = FetchWatch(_LIMITS)
    with open_engine(target.url, watch) as engine:
        containers = read_containers(engine, target, _LIMITS.max_logs, watch)
    for note in containers.notes:
        _log.warning("docker: %s", note)
    return containers.found


def state_of(container: Inspected, now: datetime) -> ServiceState:
    """The container as a service at the moment `now`."""
    state = container.state
    has_ended = state.status in ("exited", "dead", "restarting")
    return ServiceState(
        name=container.shown_name,
        state=state.status,
        is_healthy=_is_healthy(container, now),
        description="; ".join(_words(container, now)),
        pid=state.pid or None,
        since=_known(state.finished_at if has_ended else state.started_at),
        exit_status=state.exit_code if has_ended else None,
    )


def _is_healthy(container: Inspected, now: datetime) -> bool:
    state = container.state
    match state.status:
        case "running":
            is_failing = state.health is not None and state.health.status == "unhealthy"
            return not is_failing and not _keeps_restarting(container, now)
        case "exited":
            return state.exit_code == 0 and not state.is_oom_killed
        case "created":
            return not state.error
    return False


def _keeps_restarting(container: Inspected, now: datetime) -> bool:
    started_at = _known(container.state.started_at)
    is_fresh = started_at is not None and now - started_at < _RECENTLY
    return is_fresh and container.restarts >= _MANY_RESTARTS


def _words(container: Inspected, now: datetime) -> Iterator[str]:
    state = container.state
    yield _story(state)
    if state.is_oom_killed:
        yield "killed because it was out of memory (OOMKilled)"
    if state.error:
        yield f"error: {printable(state.error, _MAX_ERROR_CHARS)}"
    if state.health is not None and state.health.status == "unhealthy":
        yield f"its health check has failed {state.health.failing_streak} times in a row"
    if container.restarts:
        yield f"restarted {container.restarts} times by docker"
    if _keeps_restarting(container, now) and state.status == "running":
        yield "it may not stay up"


def _story(state: State) -> str:
    match state.status:
        case "running" | "paused":
            return f"{state.status}{_at('since', state.started_at)}"
        case "exited" | "dead":
            return _ending(state)
        case "restarting":
            return f"being restarted after it {_ending(state)}"
        case "created":
            return "never started"
    return state.status


def _ending(state: State) -> str:
    signal = _SIGNALS.get(state.exit_code)
    meaning = f" ({signal})" if signal else ""
    return f"exited with status {state.exit_code}{meaning}{_at('at', state.finished_at)}"


def _at(word: str, moment: datetime | None) -> str:
    known = _known(moment)
    return f" {word} {stamp(known)}" if known else ""


def _known(moment: datetime | None) -> datetime | None:
    """The moment; None for the engine's "never", which is in the year 1."""
    return moment if moment is not None and moment.year > 1 else None
