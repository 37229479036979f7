"""Whether there is a sandbox here."""

from __future__ import annotations

from tools.errors import SandboxUnavailable
from tools.sandbox.program import Limits, SandboxedProgram
from tools.sandbox.run import run_sandboxed


def sandbox_problem() -> str | None:
    """Why no program can be run confined here, and what to do about it; None where one can.

    Found out by running one that does nothing.
    """
    try:
        run_sandboxed(SandboxedProgram("bash", ":"), Limits())
    except SandboxUnavailable as error:
        return f"{error.message} {error.hint}".strip()
    return None
