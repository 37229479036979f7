"""What a turn says to whoever is watching: the whole contract between the agent and a front.

Each started thing ends in exactly one terminal event, also on failure and on cancel: `ToolStarted`
in `ToolFinished`, `ApprovalRequested` in `ApprovalResolved`, `TurnStarted` in `TurnFinished` or
`TurnFailed`. On the wire each event is one JSON object (`to_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["answered", "needs_approval", "failed"]
ToolOutcome = Literal["ok", "no_data", "error", "needs_approval"]
ApprovalStatus = Literal["pending", "approved", "rejected", "expired"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Evidence that an answer may cite. `text` stands verbatim in `source` at `line` (1-based)."""

    id: str
    kind: str
    source: str
    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that ran in this turn."""

    name: str
    arguments: Mapping[str, Any]
    status: ToolOutcome
    duration_s: float


@dataclass(frozen=True, slots=True)
class Approval:
    """An action that waits for a person, or that one has decided.

    `id` is empty where there is nothing to decide (a bundle's services are not here). `evidence`
    and `suggested_by` are ids of the session's ledger: what the action rests on, and what alone
    suggested its target or reason (empty: the person ordered it). `outcome` is what came of it.
    Times are ISO 8601, UTC.
    """

    id: str
    action: str
    arguments: Mapping[str, Any]
    status: ApprovalStatus
    reason: str = ""
    effect: str = ""
    undo: str = ""
    evidence: tuple[str, ...] = ()
    suggested_by: tuple[str, ...] = ()
    expires_at: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class TurnUsage:
    """What the turn cost. `ttft_s` counts to the first word of the answer.

    `phases_s` says what the time went to: seconds of `load`, `triage`, `retrieve`, `choose`,
    `drill`, `prefill` and `decode`, where they took place. `model_calls` counts generations.
    `is_answer_cached`: the same was asked of the same evidence before, and no model was asked.
    """

    model: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    ttft_s: float = 0.0
    total_s: float = 0.0
    phases_s: Mapping[str, float] = field(default_factory=dict)
    model_calls: int = 0
    is_answer_cached: bool = False


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A question was accepted in `session`."""

    session: str
    question: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer, as Markdown. Not checked yet: `TurnFinished` has the checked text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began; `call` numbers the turn's calls from 1."""

    call: int
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The tool of that number ended."""

    call: int
    name: str
    status: ToolOutcome
    summary: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class EvidenceAdded:
    """Something was found that the answer may cite.

    `suspicion` orders what was found: 0.0 is background, 1.0 the strongest lead.
    """

    citation: Citation
    note: str = ""
    suspicion: float = 0.0


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The turn waits for a person's decision."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalResolved:
    """The decision was made, or its time ran out."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The checked answer. `citations` are those that it cites, in the order of their ids' use."""

    session: str
    answer: str
    outcome: Outcome
    citations: tuple[Citation, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    approvals: tuple[Approval, ...] = ()
    usage: TurnUsage = field(default_factory=lambda: TurnUsage(model=""))


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn ended without an answer; nothing of it is kept in the session."""

    session: str
    code: str
    message: str
    hint: str = ""


Event = (
    TurnStarted
    | TextDelta
    | ToolStarted
    | ToolFinished
    | EvidenceAdded
    | ApprovalRequested
    | ApprovalResolved
    | TurnFinished
    | TurnFailed
)


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object, with its class under `event`."""
    return {"event": type(event).__name__, **asdict(event)}
