"""What an operation tells: its steps while it runs, and its report when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tools.evidence import Finding
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb

Verdict = Literal["worked", "did_not_help", "failed", "unknown"]
_DONE: dict[Verb, str] = {
    "restart": "restarted",
    "start": "started",
    "stop": "stopped",
    "scale": "scaled",
    "delete": "deleted",
}
Stage = Literal["checked", "saved", "acting", "settled", "steady", "health", "log"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done or seen, in a sentence.

    The step `saved` comes before the act, and its `lines` are the newest of the service's log.
    """

    stage: Stage
    text: str
    findings: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Health:
    """What a health check of the service said; `text` is a sentence without its full stop."""

    is_well: bool
    text: str
    findings: tuple[Finding, ...] = ()


HealthCheck = Callable[[], Health]


@dataclass(frozen=True, slots=True)
class OperationReport:
    """What became of an action once the order was given.

    `worked`: the service is as wanted, stayed so, and nothing speaks against it. `did_not_help`:
    the order was carried out, and the service is not well. `failed`: the order was not carried out.
    `unknown`: the manager fell silent, so nobody knows.

    `facts` are sentences in the order of what happened; texts of `findings` stand verbatim in the
    log or are the manager's words. `log_before` is the end of the log as it was saved before the
    act. `undo` is what would take the action back, where anything would; it needs its own approval.
    """

    action: ServiceAction
    verdict: Verdict
    summary: str
    facts: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    before: ServiceState | None = None
    after: ServiceState | None = None
    log_before: tuple[str, ...] = ()
    undo: ServiceAction | None = None


def summary_of(action: ServiceAction, verdict: Verdict, reason: str) -> str:
    """One sentence that says what came of the action."""
    done = _DONE[action.verb]
    if action.replicas is not None:
        done += f" to {action.replicas}"
    match verdict:
        case "worked":
            text = f"{action.service} was {done}, and that worked: {reason}"
        case "did_not_help":
            text = f"{action.service} was {done}, and that did not help: {reason}"
        case "failed":
            text = f"{action.service} was not {done}: {reason}"
        case "unknown":
            text = f"nobody knows whether {action.service} was {done}: {reason}"
    return f"{text}."
