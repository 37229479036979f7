"""Waiting for a decision that may be taken at another front, in another process."""

from __future__ import annotations

import asyncio

from assistant.approvals.approval import Approval
from assistant.approvals.desk import Desk

POLL_S = 0.5


async def decided(desk: Desk, approval_id: str, poll_s: float = POLL_S) -> Approval:
    """The approval once it is not pending any more; at the latest when its time is over.

    Looks every `poll_s` seconds. Raises ApprovalNotFound.
    """
    approval = await asyncio.to_thread(desk.get, approval_id)
    while approval.status == "pending":
        await asyncio.sleep(poll_s)
        approval = await asyncio.to_thread(desk.get, approval_id)
    return approval
