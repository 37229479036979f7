"""supervisor as a service manager that acts: start, stop and restart over its XML-RPC interface.

What it leaves to others: reading states (`tools.services.supervisor`), and whether an order may be
given (`tools.services.permits`) and what came of it (`tools.services.operation`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.errors import (
    ActionFailed,
    BackendUnavailable,
    InvalidQuery,
    SourceNotFound,
    SourceUnreadable,
    UnknownService,
)
from tools.logs.reader import tail_text
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb
from tools.services.names import shown
from tools.services.orders import until_sent
from tools.services.supervisor import SupervisorBackend
from tools.services.supervisor_rpc import Address, FaultCode, OrderRefused, order

_TAIL_BYTES = 256 * 1024
_RUNNING = ("RUNNING", "STARTING", "BACKOFF")
_POLL_S = 0.2
# supervisor itself kills after `stopwaitsecs`; this much later it has done so.
_STOP_MARGIN_S = 10.0
_MAX_STOP_S = 300.0


class SupervisorControl:
    """The services of one supervisord; address, threads and time limit as `SupervisorBackend`'s."""

    name = "supervisor"
    verbs: frozenset[Verb] = frozenset(("restart", "start", "stop"))

    def __init__(
        self,
        url: str,
        timeout_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = Address.parse(url)
        self._backend = SupervisorBackend(url, timeout_s)
        self._timeout_s = timeout_s
        self._clock = clock
        self._sleep = sleep

    def list_services(self) -> list[ServiceState]:
        """All services, in supervisor's order. Raises BackendUnavailable."""
        return self._backend.list_services()

    def state(self, service: str) -> ServiceState:
        """The service as it is now. Raises UnknownService and BackendUnavailable."""
        for state in self.list_services():
            if state.name == service:
                return state
        raise UnknownService(
            f"supervisor lists no service named exactly {shown(service)}",
            "see: midwatch services list",
        )

    def act(self, action: ServiceAction) -> None:
        """Give the order; a restart waits until the service has stopped. See ServiceControl."""
        if action.verb not in self.verbs:
            raise InvalidQuery(f"supervisor cannot {action.verb} a service")
        # `group:*` and `group:` would mean many, so only what is listed is ever named to it.
        with until_sent(action):
            state = self.state(action.service)
        match action.verb:
            case "start":
                self._order("startProcess", state.name)
            case "stop":
                self._order("stopProcess", state.name)
            case "restart":
                self._restart(state)

    def log_tail(self, service: str, max_lines: int) -> tuple[str, ...]:
        """The newest lines of its log; of two logs, the newest of standard output come first."""
        state = self.state(service)
        tails = [tail for tail in self._tails(state) if tail]
        share = max(1, max_lines // max(1, len(tails)))
        return tuple(line for tail in tails for line in _lines(tail)[-share:])

    def _order(self, method: str, service: str) -> None:
        # Without waiting: whether it comes up is seen by looking, and its time limit is its own.
        order(self._address, method, self._timeout_s, service, False)

    def _restart(self, state: ServiceState) -> None:
        limit_s = self._stop_limit_s(state.name)
        if state.state in _RUNNING:
            self._stop_if_running(state.name)
        try:
            self._wait_until_stopped(state.name, limit_s)
            self._order("startProcess", state.name)
        except BackendUnavailable as error:
            raise BackendUnavailable(
                f"{error.message}; {state.name} was told to stop, and may be down", error.hint
            ) from error

    def _stop_if_running(self, service: str) -> None:
        try:
            self._order("stopProcess", service)
        except OrderRefused as error:
            # It ended by itself in between, which is as good.
            if error.code != FaultCode.NOT_RUNNING:
                raise

    def _wait_until_stopped(self, service: str, limit_s: float) -> None:
        deadline = self._clock() + limit_s
        while self.state(service).state in (*_RUNNING, "STOPPING"):
            if self._clock() >= deadline:
                raise ActionFailed(
                    f"{service} did not stop within {limit_s:g} s, and was not started again",
                    f"see: supervisorctl status {service}",
                )
            self._sleep(_POLL_S)

    def _stop_limit_s(self, service: str) -> float:
        return min(self._backend.stop_wait_s(service) + _STOP_MARGIN_S, _MAX_STOP_S)

    def _tails(self, state: ServiceState) -> list[str]:
        """The ends of its logs; read here where they are files of this machine, else asked for."""
        if self._address.socket_path and all(path.is_file() for path in state.log_paths):
            try:
                return [tail_text(path, _TAIL_BYTES) for path in state.log_paths]
            except (SourceNotFound, SourceUnreadable):
                pass
        return [self._remote_tail(channel, state.name) for channel in ("Stdout", "Stderr")]

    def _remote_tail(self, channel: str, service: str) -> str:
        try:
            method = f"readProcess{channel}Log"
            tail = order(self._address, method, self._timeout_s, service, -_TAIL_BYTES, 0)
        except OrderRefused as error:
            if error.code == FaultCode.NO_FILE:
                return ""
            raise BackendUnavailable(error.message, error.hint) from error
        return str(tail)


def _lines(tail: str) -> list[str]:
    """The whole lines of `tail`, whose first may be a part of one."""
    lines = [line.removesuffix("\r") for line in tail.removesuffix("\n").split("\n")]
    whole = lines[1:] if len(tail.encode()) >= _TAIL_BYTES else lines
    return [line for line in whole if line]
