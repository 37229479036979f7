"""What the audit is told of an approval: one record for each change, before the change takes place.

A record is written while the change is being made: there is no change that the audit does not know
of, and none takes place that it could not take down. A crash in between leaves a record of a change
that did not come to be. So each says which `step` of its approval it is: of several records of one
step the last is what happened, and a step that the approval has not reached did not.

Where several machines share the approvals, each has an audit of its own, with the records of what
happened there. What became of one approval is told by all of them together, and each is a whole
chain by itself. The audit of a machine that is lost is lost with it, unless it is kept on a disk
that outlives it or copied away as it grows; nothing else depends on it. A record that one of them
could not take is written by whichever is the next to act.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from assistant.approvals.approval import Approval, State
from assistant.approvals.person import Person

if TYPE_CHECKING:
    from pydantic import JsonValue

Kind = Literal[
    "requested",
    "approved",
    "rejected",
    "expired",
    "refused",
    "started",
    "finished",
    "failed",
    "unfinished",
]

MAX_RESULT_CHARS = 8_000

_KINDS: dict[State, Kind] = {
    "pending": "requested",
    "approved": "approved",
    "rejected": "rejected",
    "expired": "expired",
    "refused": "refused",
    "running": "started",
    "done": "finished",
    "failed": "failed",
    "unfinished": "unfinished",
}


class AuditSink(Protocol):
    """Where records go. Never asked from within for anything that is kept in the store."""

    def append(self, kind: str, data: Mapping[str, JsonValue]) -> None:
        """Durable when it returns. Whatever it raises keeps the change from taking place."""
        ...


def record_change(audit: AuditSink, approval: Approval) -> None:
    """Tell the audit what `approval` is about to become."""
    # A first agreement of two leaves it pending.
    kind = (
        "approved" if approval.state == "pending" and approval.decisions else _KINDS[approval.state]
    )
    audit.append(kind, {**_subject(approval), "step": approval.step, **_details(approval)})


def record_refusal(audit: AuditSink, approval: Approval, person: Person, why: str) -> None:
    """Tell the audit that somebody tried to decide who may not; nothing changes, so no step."""
    audit.append("refused", {**_subject(approval), "by": str(person), "message": why})


def _subject(approval: Approval) -> dict[str, JsonValue]:
    """What every record says: of which act, of which session."""
    return {
        "approval": approval.id,
        "session": approval.request.session,
        "action": approval.request.action,
        "digest": approval.digest,
    }


def _details(approval: Approval) -> dict[str, JsonValue]:
    match approval.state:
        case "pending" if not approval.decisions:
            return _asked_for(approval)
        case "pending" | "approved" | "rejected":
            return _decided(approval)
        case "running":
            return _started(approval)
        case _:
            return {"message": approval.message, **_result(approval)}


def _asked_for(approval: Approval) -> dict[str, JsonValue]:
    request = approval.request
    return {
        "arguments": dict(request.arguments),
        "asked_by": str(request.asked_by),
        "turn": request.turn,
        "reason": request.reason,
        "effect": request.effect,
        "undo": request.undo,
        "expected_state": request.expected_state,
        "evidence": request.evidence_json(),
        "suggested_by": list(request.suggested_by),
        "expires_at": approval.expires_at_utc.isoformat(),
    }


def _decided(approval: Approval) -> dict[str, JsonValue]:
    decision = approval.decisions[-1]
    return {
        "by": str(decision.person),
        "note": decision.note,
        "is_enough": approval.state != "pending",
    }


def _started(approval: Approval) -> dict[str, JsonValue]:
    return {
        "arguments": dict(approval.request.arguments),
        "agreed": [str(person) for person in approval.agreed],
        "process": approval.owner,
    }


def _result(approval: Approval) -> dict[str, JsonValue]:
    """The result of a short one; how long it is of another, which the store has in full."""
    num_chars = len(json.dumps(approval.result))
    if num_chars > MAX_RESULT_CHARS:
        return {"result_chars": num_chars}
    return {} if approval.result is None else {"result": approval.result}
