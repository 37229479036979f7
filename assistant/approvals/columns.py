"""The stored form of an approval: the tables, and one row of them there and back.

What is looked up has a column; the rest is JSON, in ASCII, so that any text can be kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from assistant.approvals.approval import Approval, Decision
from assistant.approvals.person import Person
from assistant.approvals.request import ActionRequest, canonical
from assistant.errors import ApprovalRefused, MidwatchError
from assistant.events import Citation

_FIRST = (
    """
    CREATE TABLE approvals (
        id TEXT PRIMARY KEY, session TEXT NOT NULL, action TEXT NOT NULL,
        arguments TEXT NOT NULL, -- in the canonical form
        digest TEXT NOT NULL, request TEXT NOT NULL, -- the rest of the request: JSON
        requested_at_utc TEXT NOT NULL, expires_at_utc TEXT NOT NULL,
        state TEXT NOT NULL, step INTEGER NOT NULL, decisions TEXT NOT NULL, -- JSON
        claim INTEGER UNIQUE, owner TEXT NOT NULL,
        claimed_at_utc TEXT, begun_at_utc TEXT, ended_at_utc TEXT,
        ending TEXT NOT NULL, -- message and result: JSON
        is_audited INTEGER NOT NULL
    )
    """,
    # An act is asked for once, however often the model repeats itself.
    "CREATE UNIQUE INDEX pending_once ON approvals (session, digest) WHERE state = 'pending'",
    "CREATE INDEX approvals_by_state ON approvals (state, expires_at_utc)",
)
# Step by step from nothing to today's; of a file, `user_version` counts those it has taken.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
# SQLite numbers rows by itself.
POSTGRES_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (*_FIRST, "ALTER TABLE approvals ADD COLUMN rowid BIGINT GENERATED ALWAYS AS IDENTITY"),
)
FIXED = (
    "id",
    "session",
    "action",
    "arguments",
    "digest",
    "request",
    "requested_at_utc",
    "expires_at_utc",
)
CHANGING = (
    "state",
    "step",
    "decisions",
    "claim",
    "owner",
    "claimed_at_utc",
    "begun_at_utc",
    "ended_at_utc",
    "ending",
    "is_audited",
)

Value = str | int | None


def fixed_values(approval: Approval) -> list[Value]:
    """The values of the columns `FIXED`."""
    request = approval.request
    rest = {
        "turn": request.turn,
        "asked_by": asdict(request.asked_by),
        "reason": request.reason,
        "evidence": [asdict(one) for one in request.evidence],
        "suggested_by": request.suggested_by,
        "effect": request.effect,
        "undo": request.undo,
        "expected_state": request.expected_state,
    }
    return [
        approval.id,
        request.session,
        request.action,
        canonical(request.arguments),
        approval.digest,
        json.dumps(rest),
        time_text(approval.requested_at_utc),
        time_text(approval.expires_at_utc),
    ]


def changing_values(approval: Approval) -> list[Value]:
    """The values of the columns `CHANGING`."""
    return [
        approval.state,
        approval.step,
        json.dumps([_stored_decision(decision) for decision in approval.decisions]),
        approval.claim,
        approval.owner,
        _optional_text(approval.claimed_at_utc),
        _optional_text(approval.begun_at_utc),
        _optional_text(approval.ended_at_utc),
        json.dumps([approval.message, approval.result]),
        int(approval.is_audited),
    ]


def restored(row: Mapping[str, Any]) -> Approval:
    """The approval of a row. Raises ApprovalRefused when it holds what nobody here has written."""
    try:
        return _restored(row)
    except (ValueError, LookupError, TypeError, MidwatchError) as error:
        raise ApprovalRefused(
            f"the stored approval {row['id']!r} was changed from outside: {error}",
            "nothing is done with it; find out who else writes to the approvals",
        ) from error


def time_text(at: datetime) -> str:
    """`at` as it is stored: texts of one length, in the order of the times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _restored(row: Mapping[str, Any]) -> Approval:
    message, result = json.loads(row["ending"])
    return Approval(
        id=row["id"],
        request=_request(row),
        digest=row["digest"],
        state=row["state"],
        requested_at_utc=datetime.fromisoformat(row["requested_at_utc"]),
        expires_at_utc=datetime.fromisoformat(row["expires_at_utc"]),
        step=row["step"],
        decisions=tuple(map(_decision, json.loads(row["decisions"]))),
        claim=row["claim"],
        owner=row["owner"],
        claimed_at_utc=_optional_time(row["claimed_at_utc"]),
        begun_at_utc=_optional_time(row["begun_at_utc"]),
        ended_at_utc=_optional_time(row["ended_at_utc"]),
        message=message,
        result=result,
        is_audited=bool(row["is_audited"]),
    )


def _request(row: Mapping[str, Any]) -> ActionRequest:
    rest = json.loads(row["request"])
    return ActionRequest(
        action=row["action"],
        arguments=json.loads(row["arguments"]),
        session=row["session"],
        turn=rest["turn"],
        asked_by=_person(rest["asked_by"]),
        reason=rest["reason"],
        evidence=tuple(Citation(**one) for one in rest["evidence"]),
        suggested_by=tuple(rest["suggested_by"]),
        effect=rest["effect"],
        undo=rest["undo"],
        expected_state=rest["expected_state"],
    )


def _stored_decision(decision: Decision) -> dict[str, Any]:
    return {**asdict(decision), "at_utc": time_text(decision.at_utc)}


def _decision(stored: Mapping[str, Any]) -> Decision:
    at = datetime.fromisoformat(stored["at_utc"])
    return Decision(stored["verdict"], _person(stored["person"]), at, stored["note"])


def _person(stored: Mapping[str, Any]) -> Person:
    return Person(stored["front"], stored["user"], tuple(stored["groups"]))


def _optional_text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _optional_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
