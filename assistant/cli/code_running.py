"""`midwatch code --run`: code put before a person, and run in the sandbox once one has agreed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.cli.approvals import confirm, decide, leave_waiting, opened
from assistant.cli.context import Context

if TYPE_CHECKING:
    from assistant.approvals.approval import Approval
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

    async def ask_for() -> Approval:
        async with opened(context) as assistant:
            return await assistant.order(request)

    approval = asyncio.run(ask_for())
    if not yes:
        if as_json or not sys.stdin.isatty():
            return leave_waiting(approval, as_json=as_json)
        confirm(approval)
    return asyncio.run(decide(context, approval.id, "approved", "", as_json=as_json))
