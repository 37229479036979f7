"""Docker as a service manager that can act: containers are restarted, started and stopped.

What it leaves to others: the states in words (`tools.logs.sources.docker_states`), sending an order
(`tools.services.docker_orders`), and whether an action may take place (`tools.services.permits`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from tools.errors import (
    ActionFailed,
    ActionRefused,
    BackendUnavailable,
    InvalidQuery,
    UnknownService,
)
from tools.logs.sources.copying import Decoder, Unchanged
from tools.logs.sources.docker_containers import (
    DockerTarget,
    Inspected,
    list_containers,
    read_container,
)
from tools.logs.sources.docker_engine import DockerEngine, DockerRefused, open_engine, opened
from tools.logs.sources.docker_frames import FrameDecoder
from tools.logs.sources.docker_states import all_containers, state_of
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import ServiceState
from tools.services.body_tail import last_lines
from tools.services.control import ServiceAction, Verb
from tools.services.docker_orders import OrderingEngine
from tools.services.names import shown
from tools.services.orders import unconfirmed, until_sent
from tools.services.own_containers import own_container_ids

_log = logging.getLogger(__name__)
_LIMITS = FetchLimits(timeout_s=10.0, max_logs=500)
_TAIL_LIMITS = FetchLimits(timeout_s=10.0, max_total_bytes=64 << 20)
# The engine's own rule for names; a name without a slash is no path, and no link's alias either.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
_LIST = "midwatch services list shows the names"


@dataclass(slots=True)
class DockerControl:
    """The containers of `target` as services, healthy as `DockerBackend` has it.

    One whose own health check has not answered yet since its start is "starting" here, and not
    healthy yet: else a restart would look verified before anything was.

    A container has as long to stop as it was made with; `act_timeout_s` only bounds the wait for
    the engine to say so. The containers `own_ids`, which this process runs in, are not acted on.
    """

    target: DockerTarget = field(default_factory=DockerTarget)
    act_timeout_s: float = 120.0
    own_ids: frozenset[str] = field(default_factory=own_container_ids)
    name: str = field(default="docker", init=False)
    verbs: frozenset[Verb] = field(default=frozenset({"restart", "start", "stop"}), init=False)

    def list_services(self) -> list[ServiceState]:
        """All containers, in docker's order. Raises BackendUnavailable."""
        return [_state(container) for container in all_containers(self.target)]

    def state(self, service: str) -> ServiceState:
        """The container of this name now. Raises UnknownService or BackendUnavailable."""
        return _state(self._look(service))

    def act(self, action: ServiceAction) -> None:
        """Carry the action out; returns when the engine has. A stopped container may stay stopped.

        Raises UnknownService, ActionRefused when it must not be acted on, ActionFailed when the
        engine refused or got no order, Unconfirmed when it did not answer one, and InvalidQuery for
        a verb that is not docker's.
        """
        if action.backend != self.name or action.verb not in self.verbs:
            raise InvalidQuery(
                f"{action.verb} is nothing that docker does with a container",
                f"docker knows {', '.join(sorted(self.verbs))}",
            )
        with until_sent(action):
            container = self._look(action.service)
            self._check(action.verb, container)
            self._order(action, container)

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """The container's newest lines, each after the engine's time stamp, oldest first.

        Empty when its log driver keeps none. Raises UnknownService or BackendUnavailable.
        """
        watch = FetchWatch(_TAIL_LIMITS)
        with open_engine(self.target.url, watch) as engine:
            container = _find(engine, self.target, service, watch)
            return _tail(engine, container, max_lines, watch) if max_lines > 0 else ()

    def _look(self, service: str) -> Inspected:
        watch = FetchWatch(_LIMITS)
        with open_engine(self.target.url, watch) as engine:
            return _find(engine, self.target, service, watch)

    def _check(self, verb: Verb, container: Inspected) -> None:
        if container.id in self.own_ids:
            raise ActionRefused(
                f"midwatch itself runs in the container {container.shown_name}",
                f"do it by hand: docker {verb} {container.shown_name}",
            )
        if verb == "stop" and container.host_config.is_removed_at_end:
            raise ActionRefused(
                f"stopping {container.shown_name} would delete it: it was made with --rm",
                "restart it instead, or stop it by hand",
            )

    def _order(self, action: ServiceAction, container: Inspected) -> None:
        watch = FetchWatch(FetchLimits(timeout_s=self.act_timeout_s + _LIMITS.timeout_s))
        with opened(OrderingEngine, self.target.url, watch) as engine:
            try:
                engine.order(f"/containers/{container.id}/{action.verb}", self.act_timeout_s)
            except DockerRefused as error:
                raise _refused(action, error) from error
            except BackendUnavailable as error:
                raise unconfirmed(action, error.message) from error


def _find(engine: DockerEngine, target: DockerTarget, service: str, watch: FetchWatch) -> Inspected:
    """The one container of exactly this name. Raises UnknownService or BackendUnavailable."""
    if not _NAME.fullmatch(service):
        raise _unknown(service)
    listed, _ = list_containers(engine, target, watch)
    ids = [container.id for container in listed if f"/{service}" in container.names]
    if len(ids) != 1:
        raise _unknown(service)
    read: Callable[[], Inspected | None] = partial(_read, engine, ids[0])
    (found,) = run_all([read], watch)
    if reason := watch.stop_reason():
        raise BackendUnavailable(f"docker did not describe {service}: {reason}", "try again")
    # It may have been removed or renamed since it was listed.
    if found is None or found.id != ids[0] or found.name != f"/{service}":
        raise _unknown(service)
    return found


def _read(engine: DockerEngine, container_id: str) -> Inspected | None:
    try:
        return read_container(engine, container_id)
    except DockerRefused as error:
        if error.status == 404:
            return None
        raise BackendUnavailable(
            f"docker does not describe the container: {error.message}",
            "check what this user may do there",
        ) from error


def _state(container: Inspected) -> ServiceState:
    state = state_of(container, datetime.now(UTC))
    health = container.state.health
    if container.state.status != "running" or health is None or health.status != "starting":
        return state
    told = f"{state.description}; its health check has not answered yet"
    return replace(state, state="starting", is_healthy=False, description=told)


def _tail(
    engine: DockerEngine, container: Inspected, max_lines: int, watch: FetchWatch
) -> tuple[str, ...]:
    query = {"stdout": 1, "stderr": 1, "timestamps": 1, "tail": max_lines}
    try:
        response = engine.stream(f"/containers/{container.id}/logs", query)
    except DockerRefused as error:
        if "does not support reading" in error.message:
            return ()
        if error.status == 404:
            raise _unknown(container.shown_name) from error
        raise BackendUnavailable(
            f"docker does not give the log of {container.shown_name}: {error.message}",
            f"try: docker logs {container.shown_name}",
        ) from error
    decoder: Decoder = Unchanged() if container.config.has_tty else FrameDecoder()
    return last_lines(response, decoder, max_lines, watch)


def _unknown(service: str) -> UnknownService:
    return UnknownService(f"docker has no container named {shown(service)}", _LIST)


def _refused(action: ServiceAction, error: DockerRefused) -> ActionFailed | UnknownService:
    if error.status == 404:
        return _unknown(action.service)
    hint = {
        403: "an authorization plugin of the engine forbids it to this user",
        409: "look at its state, and try again when nothing else is acting on it",
    }.get(error.status, f"look at: docker logs {action.service}")
    return ActionFailed(f"docker did not {action.verb} {action.service}: {error.message}", hint)
