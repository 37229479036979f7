"""supervisor as a service back end: its processes, and their states in words.

What it leaves to others: talking to supervisord (`tools.services.supervisor_rpc`), judging states
beyond healthy or not (`tools.services.tool`), and everything that changes a service.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from tools.scope import ServiceState
from tools.services.supervisor_rpc import Address, ask, not_supervisor


class SupervisorBackend:
    """The services of one supervisord, read over `unix:///path.sock` or `http://user:pw@host:port`.

    A service is healthy when it is RUNNING, when it EXITED with a status its configuration expects
    (a job that has finished), or when it was never started and is not meant to start by itself.
    STARTING is not healthy yet, and a service that somebody STOPPED is not healthy, on purpose or
    not: it serves nobody.

    `timeout_s` bounds each wait for an answer. One backend may serve several threads. Raises
    BackendUnavailable for an address that is none.
    """

    name = "supervisor"

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._address = Address.parse(url)
        self._timeout_s = timeout_s

    def list_services(self) -> list[ServiceState]:
        """All services, in supervisor's order. Raises BackendUnavailable."""
        processes = ask(self._address, "getAllProcessInfo", self._timeout_s)
        try:
            return _states(_PROCESSES.validate_python(processes), self._programs())
        except ValidationError as error:
            raise not_supervisor(self._address) from error

    def stop_wait_s(self, service: str) -> float:
        """How long supervisor waits for the service to stop before it kills it.

        Raises BackendUnavailable. For a service it does not know, supervisor's default.
        """
        known = {program.full_name: program.stopwaitsecs for program in self._programs()}
        return known.get(service, _Program().stopwaitsecs)

    def _programs(self) -> list[_Program]:
        programs = ask(self._address, "getAllConfigInfo", self._timeout_s)
        try:
            return _PROGRAMS.validate_python(programs)
        except ValidationError as error:
            raise not_supervisor(self._address) from error


class _Program(BaseModel):
    """What the configuration says about a process, with supervisor's defaults."""

    name: str = ""
    group: str = ""
    autostart: bool = True
    exitcodes: tuple[int, ...] = (0,)
    startretries: int = 3
    stopwaitsecs: int = 10

    @property
    def key(self) -> tuple[str, str]:
        return (self.group, self.name)

    @property
    def full_name(self) -> str:
        return _full_name(self.group, self.name)


class _Process(BaseModel):
    """One process as getAllProcessInfo gives it; times are Unix seconds, 0 for never."""

    name: str
    group: str
    statename: str
    start: int
    stop: int
    now: int
    spawnerr: str
    exitstatus: int
    stdout_logfile: str
    stderr_logfile: str
    pid: int

    @property
    def key(self) -> tuple[str, str]:
        return (self.group, self.name)

    @property
    def full_name(self) -> str:
        return _full_name(self.group, self.name)


def _full_name(group: str, name: str) -> str:
    return name if name == group else f"{group}:{name}"


_PROCESSES = TypeAdapter(list[_Process])
_PROGRAMS = TypeAdapter(list[_Program])


def _states(processes: list[_Process], programs: list[_Program]) -> list[ServiceState]:
    by_key = {program.key: program for program in programs}
    return [_state(process, by_key.get(process.key, _Program())) for process in processes]


def _state(process: _Process, program: _Program) -> ServiceState:
    has_exited = process.statename == "EXITED"
    return ServiceState(
        name=process.full_name,
        state=process.statename,
        is_healthy=_is_healthy(process, program),
        description=_describe(process, program),
        pid=process.pid or None,
        since=_since(process),
        exit_status=process.exitstatus if has_exited else None,
        log_paths=_log_paths(process),
    )


def _is_healthy(process: _Process, program: _Program) -> bool:
    match process.statename:
        case "RUNNING":
            return True
        case "EXITED":
            return process.exitstatus in program.exitcodes
        case "STOPPED":
            return process.start == 0 and not program.autostart
    return False


def _describe(process: _Process, program: _Program) -> str:
    """The state in words. A program that ended while starting has no exit status here."""
    reason = f": {process.spawnerr}" if process.spawnerr else ""
    match process.statename:
        case "RUNNING":
            return f"running for {_duration(process.now - process.start)}"
        case "STARTING":
            return f"starting{_at(process.start)}"
        case "BACKOFF":
            return f"failed to start{_at(process.stop)}, will be tried again{reason}"
        case "FATAL":
            tries = program.startretries + 1
            return f"failed to start{_at(process.stop)}, given up (limit {tries} tries){reason}"
        case "EXITED":
            return f"{_exit(process, program)}{_at(process.stop)}"
        case "STOPPED":
            return f"stopped{_at(process.stop)}" if process.start else "not started"
    return process.statename.lower()


def _exit(process: _Process, program: _Program) -> str:
    if process.exitstatus < 0:
        return "killed by a signal"
    expected = ", as expected," if process.exitstatus in program.exitcodes else ""
    return f"exited with status {process.exitstatus}{expected}"


def _since(process: _Process) -> datetime | None:
    is_up = process.statename in ("RUNNING", "STARTING")
    moment = process.start if is_up else process.stop
    return datetime.fromtimestamp(moment, UTC) if moment else None


def _at(moment: int) -> str:
    return f" at {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{max(seconds, 0)} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def _log_paths(process: _Process) -> tuple[Path, ...]:
    distinct = dict.fromkeys((process.stdout_logfile, process.stderr_logfile))
    return tuple(Path(path) for path in distinct if path)
