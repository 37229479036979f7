"""`ToolResult`: the one answer that every tool gives, whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tools.errors import ToolsError
from tools.evidence import Finding


class Status(StrEnum):
    """How a tool call ended.

    `NO_DATA` means that the search truly ran, succeeded and found nothing: an answer in itself.
    """

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"
    NEEDS_APPROVAL = "needs_approval"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found: `summary` for the reader, `findings` for the ledger.

    `summary` is a few bounded lines that say what ran, over which range and filter, and the answer
    in figures. It holds no quoted evidence: quotations are the findings, which the agent renders
    under their ids. `omitted` counts what was cut to stay within bounds.
    """

    status: Status
    summary: str
    findings: tuple[Finding, ...] = ()
    omitted: int = 0


def error_result(error: ToolsError) -> ToolResult:
    """The error as a result that says what to do next."""
    text = f"{error.message}; {error.hint}" if error.hint else error.message
    return ToolResult(Status.ERROR, text)
