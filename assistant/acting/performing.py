"""Performing an approved action on a service, and the result as it is kept.

The result is plain JSON, because it outlives this process: the approval, the audit and the session
that goes on all read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.acting.saved_log import save_lines
from assistant.approvals.request import ActionRequest, Argument
from tools.errors import BackendUnavailable
from tools.evidence import Finding, Kind
from tools.services.control import ServiceAction, ServiceControl
from tools.services.operation import Operation
from tools.services.permits import Permits
from tools.services.report import HealthCheck, OperationReport, Step
from tools.services.verification import Timing

if TYPE_CHECKING:
    from pydantic import JsonValue

Redact = Callable[[str], str]
HealthChecks = Callable[[ServiceAction], HealthCheck | None]


@dataclass(frozen=True, slots=True)
class ServicePerformer:
    """Carries out actions on services; `folder` takes the log lines that are saved before."""

    controls: Mapping[str, ServiceControl]
    permits: Permits
    health: HealthChecks
    redact: Redact
    folder: Path
    timing: Timing = field(default_factory=Timing)

    def __call__(
        self,
        arguments: Mapping[str, Argument],
        request: ActionRequest,
        progress: Callable[[str], None],
    ) -> JsonValue:
        """See `assistant.approvals.execution.Performer`."""
        action = ServiceAction.of(request.action, arguments)
        control = control_of(self.controls, action)
        saved: list[Path] = []

        def tell(step: Step) -> None:
            if step.stage == "saved" and step.lines:
                # As one text: a key may stand on many lines.
                lines = self.redact("\n".join(step.lines)).split("\n")
                saved.append(save_lines(self.folder, action, lines, datetime.now(UTC)))
            progress(self.redact(step.text))

        operation = Operation(control, self.permits, self.timing, self.health(action))
        report = operation.carry_out(action, request.expected_state, tell)
        return as_result(report, saved, self.redact)


def control_of(controls: Mapping[str, ServiceControl], action: ServiceAction) -> ServiceControl:
    """The service manager of `action`. Raises BackendUnavailable when none is set up."""
    control = controls.get(action.backend)
    if control is None:
        known = ", ".join(controls) or "none"
        raise BackendUnavailable(
            f"no service manager {action.backend} is set up", f"[services] has: {known}"
        )
    return control


def as_result(report: OperationReport, saved: Sequence[Path], redact: Redact) -> JsonValue:
    """The report as it is kept."""
    return {
        "verdict": report.verdict,
        "summary": redact(report.summary),
        "facts": [redact(fact) for fact in report.facts],
        "findings": [_as_json(finding, redact) for finding in report.findings],
        "saved_log": str(saved[0]) if saved else "",
        "undo": {"action": report.undo.name, **report.undo.as_arguments()} if report.undo else None,
    }


def findings_of(result: JsonValue) -> tuple[Finding, ...]:
    """The findings of a kept result; none of one that holds none."""
    listed = result.get("findings") if isinstance(result, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(_finding(one) for one in listed if isinstance(one, dict))


def _as_json(finding: Finding, redact: Redact) -> dict[str, JsonValue]:
    return {
        "kind": finding.kind,
        "source": finding.source,
        "text": redact(finding.text),
        "note": redact(finding.note),
        "suspicion": finding.suspicion,
    }


def _finding(kept: Mapping[str, JsonValue]) -> Finding:
    kind: Kind = "log" if kept.get("kind") == "log" else "service"
    suspicion = kept.get("suspicion")
    return Finding(
        kind,
        str(kept.get("source", "")),
        str(kept.get("text", "")),
        note=str(kept.get("note", "")),
        suspicion=suspicion if isinstance(suspicion, float) else 0.0,
    )
