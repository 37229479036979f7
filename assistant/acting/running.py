"""Running code that a person agreed to: exactly this code, confined, and nowhere else.

What runs may write in one folder at most and sees little of the machine (`tools.sandbox`). Where it
cannot be confined, it does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.acting.performing import Redact
from assistant.approvals.request import ActionRequest, Argument
from assistant.interface import RunRequest
from tools.errors import SandboxUnavailable
from tools.sandbox.program import Limits, SandboxedProgram
from tools.sandbox.run import SandboxRun, run_sandboxed

if TYPE_CHECKING:
    from pydantic import JsonValue

RUN_CODE = "run_code"
_MAX_CHANGES = 200
_ENDED = {
    "time": "it was ended: its time was over",
    "memory": "it was ended: it took more memory than it may",
    "output": "it was ended: it wrote more than it may",
    "folder": "it was ended: its folder grew beyond its limit",
    "cancelled": "it was cancelled",
}


def as_arguments(request: RunRequest) -> dict[str, Argument]:
    """The canonical arguments. Raises SandboxUnavailable for a folder that is none."""
    folder = "" if request.folder is None else str(_folder(request.folder))
    return {
        "language": request.language,
        "code": request.code,
        "folder": folder,
        "network": int(request.has_network),
    }


def run_request(request: RunRequest) -> ActionRequest:
    """What a person is asked to agree to. Raises SandboxUnavailable where it could not run."""
    check_sandbox()
    arguments = as_arguments(request)
    where = arguments["folder"] or "an empty folder in memory that goes away with it"
    network = "with this machine's network" if request.has_network else "without a network"
    return ActionRequest(
        RUN_CODE,
        arguments,
        "",
        0,
        request.person,
        request.reason or f"asked for by {request.person}",
        effect=f"runs confined, {network}; it can change what is in {where}, and nothing else",
        undo="none: what it changes in its folder stays changed" if request.folder else "",
    )


def check_sandbox() -> None:
    """Raises SandboxUnavailable where no program can be confined."""
    from tools.sandbox.problem import sandbox_problem

    problem = sandbox_problem()
    if problem is not None:
        raise SandboxUnavailable(problem, "without a sandbox nothing is run")


@dataclass(frozen=True, slots=True)
class CodePerformer:
    """Runs approved code in the sandbox, and nothing else."""

    redact: Redact
    limits: Limits = field(default_factory=Limits)

    def __call__(
        self,
        arguments: Mapping[str, Argument],
        request: ActionRequest,
        progress: Callable[[str], None],
    ) -> JsonValue:
        """See `assistant.approvals.execution.Performer`."""
        progress("It runs in the sandbox.")
        return self._as_result(run_sandboxed(_program(arguments), self.limits))

    def _as_result(self, run: SandboxRun) -> JsonValue:
        return {
            "verdict": "worked" if run.has_succeeded else "failed",
            "summary": _summary(run),
            "status": run.status,
            "stdout": self.redact(run.stdout),
            "stderr": self.redact(run.stderr),
            "cut_bytes": run.stdout_cut_bytes + run.stderr_cut_bytes,
            "changes": [
                self.redact(f"{change.change} {change.path} ({change.size_bytes:,} bytes)")
                for change in run.changes[:_MAX_CHANGES]
            ],
        }


def _program(arguments: Mapping[str, Argument]) -> SandboxedProgram:
    language, folder = arguments["language"], str(arguments["folder"])
    if language not in ("bash", "python"):
        raise SandboxUnavailable(f"{language} is nothing that the sandbox runs")
    return SandboxedProgram(
        "python" if language == "python" else "bash",
        str(arguments["code"]),
        Path(folder) if folder else None,
        has_network=arguments["network"] == 1,
    )


def _folder(folder: Path) -> Path:
    """The folder itself, whatever links lead to it: that is what a person agrees to."""
    real = folder.resolve()
    if not real.is_dir():
        raise SandboxUnavailable(f"{folder} is no folder", "name a folder that is there")
    return real


def _summary(run: SandboxRun) -> str:
    if run.ended is not None:
        how = _ENDED[run.ended]
    elif run.has_succeeded:
        how = "it ended well"
    else:
        how = f"it ended with status {run.status}"
    num = len(run.changes)
    changed = f"{num} path{'s' if num != 1 else ''} changed" if num else "nothing was changed"
    return f"{how}, after {run.duration_s:.1f} s; {changed}"
