"""The states of all services, from all service back ends, as a `ToolResult`."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import BackendUnavailable
from tools.evidence import Finding
from tools.result import Status, ToolResult
from tools.scope import ServiceBackend, ServiceState

MAX_FINDINGS = 12
# With more services than this, those that simply run are named in the summary only.
MAX_RUNNING = 6

# States that somebody may have asked for, or that pass; every other unhealthy state is a lead.
_MILD_STATES = {
    "STOPPED": 0.6,
    "STOPPING": 0.5,
    "STARTING": 0.4,
    "PENDING": 0.6,
    "NOTREADY": 0.6,
    "PAUSED": 0.5,
    "CREATED": 0.4,
    "PROGRESSING": 0.4,
    "CONTAINERCREATING": 0.4,
    "PODINITIALIZING": 0.4,
    "TERMINATING": 0.4,
    "INACTIVE": 0.6,
    "ACTIVATING": 0.4,
    "DEACTIVATING": 0.5,
}
# Healthy, and yet it would be wrong to say that they run.
_AT_REST = ("INACTIVE", "STOPPED", "CREATED")
_UNHEALTHY = 0.9
_FINISHED = 0.3


def list_services_tool(backends: Sequence[ServiceBackend]) -> ToolResult:
    """The state of every service, unhealthy ones first; many running ones are only counted.

    A back end that does not answer is said, and an error only when none of them does.
    """
    if not backends:
        return _no_backend()
    results = [_listed(backend) for backend in backends]
    statuses = [result.status for result in results]
    findings = [finding for result in results for finding in result.findings]
    # A sort that keeps the order of equals: the worst of all back ends comes first.
    findings.sort(key=lambda finding: -finding.suspicion)
    status = next((s for s in (Status.OK, Status.NO_DATA) if s in statuses), Status.ERROR)
    return ToolResult(
        status,
        "\n".join(result.summary for result in results),
        tuple(findings),
        omitted=sum(result.omitted for result in results),
    )


def _listed(backend: ServiceBackend) -> ToolResult:
    try:
        states = backend.list_services()
    except BackendUnavailable as error:
        return _unavailable(error)
    if not states:
        return ToolResult(Status.NO_DATA, f"{backend.name} manages no services.")
    shown = _worth_showing(states)
    return ToolResult(
        Status.OK,
        _summary(backend.name, states),
        tuple(service_finding(backend.name, state) for state in shown),
        omitted=len(states) - len(shown),
    )


def _no_backend() -> ToolResult:
    return ToolResult(
        Status.ERROR,
        "No service manager is set up here, so the states of services are unknown.",
    )


def _unavailable(error: BackendUnavailable) -> ToolResult:
    summary = f"The states of services are unknown: {error.message}."
    return ToolResult(Status.ERROR, f"{summary}\nTo do: {error.hint}." if error.hint else summary)


def _worth_showing(states: Sequence[ServiceState]) -> list[ServiceState]:
    ordered = sorted(states, key=_suspicion, reverse=True)
    if len(ordered) > MAX_RUNNING:
        ordered = [state for state in ordered if _suspicion(state) > 0]
    return ordered[:MAX_FINDINGS]


def _suspicion(state: ServiceState) -> float:
    if not state.is_healthy:
        return _MILD_STATES.get(state.state.upper(), _UNHEALTHY)
    # A pod has no process id, and what never ended has not finished.
    return 0.0 if state.pid or state.exit_status is None else _FINISHED


def _summary(backend_name: str, states: Sequence[ServiceState]) -> str:
    lines = [f"{backend_name}: {_verdict(states)}"]
    running = [
        state.name
        for state in states
        if _suspicion(state) == 0 and state.state.upper() not in _AT_REST
    ]
    if running:
        lines.append(f"Running: {_names(running)}.")
    return "\n".join(lines)


def _verdict(states: Sequence[ServiceState]) -> str:
    unhealthy = [state.name for state in states if not state.is_healthy]
    count = f"{len(states)} service{'s' if len(states) > 1 else ''}"
    if not unhealthy:
        return f"{count} looked at, none is unhealthy."
    return f"{count} looked at, {len(unhealthy)} unhealthy: {_names(unhealthy)}."


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MAX_FINDINGS])
    rest = len(names) - MAX_FINDINGS
    return f"{shown} and {rest} more" if rest > 0 else shown


def service_finding(backend_name: str, state: ServiceState) -> Finding:
    """The state of one service as evidence, in one line."""
    text = " ".join(f"{state.name} {state.state} {state.description}".split())
    logs = ", ".join(str(path) for path in state.log_paths)
    return Finding(
        kind="service",
        source=f"{backend_name}:{state.name}",
        text=text,
        note=f"logs: {logs}" if logs else "",
        suspicion=_suspicion(state),
    )
