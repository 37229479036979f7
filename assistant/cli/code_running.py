"""`midwatch code --run`: code put before a person, and run in the sandbox once one has agreed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.cli.approvals import settle
from assistant.cli.context import Context

if TYPE_CHECKING:
    from tools.code.report import Language


def run_code(
    context: Context,
    language: Language,
    code: str,
    folder: Path | None,
    *,
    has_network: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """The exit status: 0 when it ended well, 1 when it did not, 3 while nobody has agreed.

    Raises SandboxUnavailable where it could not be confined.
    """
    from assistant.approvals.person import system_person
    from assistant.interface import RunRequest
    from tools.errors import SandboxUnavailable

    if language not in ("bash", "python"):
        raise SandboxUnavailable(
            f"{language} is nothing that the sandbox runs", "it runs bash and python"
        )
    kind: Literal["bash", "python"] = "python" if language == "python" else "bash"
    request = RunRequest(kind, code, system_person("cli"), folder, has_network)
    return settle(context, request, yes=yes, as_json=as_json)
