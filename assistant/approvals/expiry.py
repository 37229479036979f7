"""The end of an approval's time: what nobody made use of in time can never be used again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from assistant.approvals.approval import Approval
from assistant.approvals.records import AuditSink, record_change
from assistant.approvals.rows import Rows
from assistant.approvals.store import ApprovalStore

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of the machine: it has to mean the same after a restart."""
    return datetime.now(UTC)


def expire_due(store: ApprovalStore, audit: AuditSink, now: datetime) -> tuple[Approval, ...]:
    """Those whose time is over at `now`, which are expired from here on.

    Raises what the audit raises; then they stay as they are, and are out of time all the same.
    """
    with store.reading() as rows:
        if not rows.overdue(now):
            return ()
    with store.writing() as rows:
        return expire_in(rows, audit, now)


def expire_in(rows: Rows, audit: AuditSink, now: datetime) -> tuple[Approval, ...]:
    """The same, within a change that is being made."""
    return tuple(_expire(rows, audit, approval, now) for approval in rows.overdue(now))


def _expire(rows: Rows, audit: AuditSink, approval: Approval, now: datetime) -> Approval:
    expired = replace(approval.as_of(now), step=approval.step + 1)
    rows.replace(approval, expired)
    record_change(audit, expired)
    return expired
