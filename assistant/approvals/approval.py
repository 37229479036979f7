"""An approval: a request with what has become of it.

Inside it has nine states; to the fronts it is pending, approved, rejected or expired, and an
approved one has an outcome once somebody began to make use of it.

    pending ──> approved ──> running ──> done
       │           │            ├──> failed      the performer says so
       │           │            ├──> refused     a check before the act failed: nothing was done
       │           │            └──> unfinished  its process ended, or was interrupted
       │           └──> refused
       └──────┬────┘
              └──> rejected, expired
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from assistant.approvals.person import Person
from assistant.approvals.request import ActionRequest
from assistant.errors import ActionInvalid
from assistant.events import ApprovalStatus

if TYPE_CHECKING:
    from pydantic import JsonValue

State = Literal[
    "pending",
    "approved",
    "rejected",
    "expired",
    "refused",
    "running",
    "done",
    "failed",
    "unfinished",
]
Outcome = Literal["refused", "running", "done", "failed", "unfinished"]
Verdict = Literal["approved", "rejected"]

_OUTCOMES: dict[State, Outcome] = {
    "refused": "refused",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "unfinished": "unfinished",
}
_STATUSES: dict[State, ApprovalStatus] = {
    "pending": "pending",
    "rejected": "rejected",
    "expired": "expired",
}
# Still open to a decision or to being used: what an expiry ends.
OPEN: tuple[State, ...] = ("pending", "approved")
# Nothing happens to them any more.
ENDED: tuple[State, ...] = ("rejected", "expired", "refused", "done", "failed", "unfinished")

# Read aloud and typed by people: nothing that looks like something else. About 30 bits.
_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_ID_CHARS = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided, and what they wrote with it."""

    verdict: Verdict
    person: Person
    at_utc: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A request with what has become of it. All times are UTC.

    `digest` is what was agreed to; it was taken when the request came in. `step` counts the changes
    that the audit has a record of. `claim` orders the acts by when they were claimed, `owner` is
    the process that claimed this one. `is_audited` is False while the outcome's record is owed.
    """

    id: str
    request: ActionRequest
    digest: str
    state: State
    requested_at_utc: datetime
    expires_at_utc: datetime
    step: int = 1
    decisions: tuple[Decision, ...] = ()
    claim: int | None = None
    owner: str = ""
    claimed_at_utc: datetime | None = None
    begun_at_utc: datetime | None = None
    ended_at_utc: datetime | None = None
    message: str = ""
    result: JsonValue = None
    is_audited: bool = True

    @property
    def status(self) -> ApprovalStatus:
        """What the fronts call it."""
        return _STATUSES.get(self.state, "approved")

    @property
    def outcome(self) -> Outcome | None:
        """What came of using it; None when nobody has begun to."""
        return _OUTCOMES.get(self.state)

    @property
    def agreed(self) -> tuple[Person, ...]:
        """Those who approved, in the order in which they did."""
        return tuple(one.person for one in self.decisions if one.verdict == "approved")

    @property
    def is_intact(self) -> bool:
        """Whether action and arguments are still those that the digest was taken of."""
        try:
            return self.request.digest == self.digest
        except ActionInvalid:
            return False

    def is_overdue(self, now: datetime) -> bool:
        """Whether its time ran out before anybody made use of it."""
        return self.state in OPEN and now >= self.expires_at_utc

    def as_of(self, now: datetime) -> Approval:
        """As it is to be shown: overdue ones are expired, also before that is written down."""
        if not self.is_overdue(now):
            return self
        return replace(self, state="expired", ended_at_utc=self.expires_at_utc)

    def history(self) -> str:
        """What has become of it, in a few words: `approved by anna (cli) at 10:03 UTC; done`."""
        words = [_decided(decision) for decision in self.decisions]
        if not words or self.state not in ("pending", "approved", "rejected"):
            at = self.ended_at_utc or self.begun_at_utc
            words.append(f"{self.state} {clock(at)}" if at else self.state)
        return "; ".join(words)

    def as_json(self) -> dict[str, JsonValue]:
        """The approval for `--json` and the wire."""
        request = self.request
        return {
            "id": self.id,
            "action": request.action,
            "arguments": dict(request.arguments),
            "status": self.status,
            "outcome": self.outcome,
            "message": self.message,
            "result": self.result,
            "session": request.session,
            "asked_by": str(request.asked_by),
            "reason": request.reason,
            "effect": request.effect,
            "undo": request.undo,
            "evidence": request.evidence_json(),
            "suggested_by": list(request.suggested_by),
            "requested_at": self.requested_at_utc.isoformat(),
            "expires_at": self.expires_at_utc.isoformat(),
            "decisions": [
                {
                    "verdict": decision.verdict,
                    "by": str(decision.person),
                    "at": decision.at_utc.isoformat(),
                    "note": decision.note,
                }
                for decision in self.decisions
            ],
        }


def new_id() -> str:
    """An id like `a-7k3m9q`, which nobody can guess and everybody can type."""
    return "a-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))


def clock(at: datetime) -> str:
    """The moment for a person, in words of UTC: `at 10:03:07 UTC on 2026-11-20`."""
    return f"{at.astimezone(UTC):at %H:%M:%S UTC on %Y-%m-%d}"


def _decided(decision: Decision) -> str:
    note = f": {decision.note}" if decision.note else ""
    return f"{decision.verdict} by {decision.person} {clock(decision.at_utc)}{note}"
