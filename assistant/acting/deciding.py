"""A decision from beginning to end: decided, carried out, told, and what was seen entered.

The decision and the act are the office's; here they become the events of a turn. An act that has
begun goes on when nobody listens any more: its outcome is kept, and the audit has it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from assistant.acting.office import Office, as_event
from assistant.acting.performing import findings_of
from assistant.acting.telling import heading, verdict, waiting
from assistant.agent.report import evidence_section
from assistant.agent.turn import Turn
from assistant.approvals.approval import Approval
from assistant.errors import ApprovalConflict
from assistant.events import ApprovalResolved
from assistant.interface import DecideRequest
from tools.result import Status, ToolResult


@dataclass(slots=True)
class Deciding:
    """One decision, told in `turn`."""

    office: Office
    request: DecideRequest
    turn: Turn

    async def settle(self) -> Approval:
        """Decide, and act when that approves it. Raises MidwatchError: nothing was done."""
        decided = await asyncio.to_thread(self._decide)
        if decided.status == "pending":
            missing = await asyncio.to_thread(self.office.desk.num_missing, decided)
            self.turn.show(waiting(decided, missing))
            return decided
        self.turn.show(heading(decided))
        if decided.status == "rejected":
            self.turn.show("\n\nNothing was done.")
        else:
            decided = await self._act(decided)
        self.turn.emit(ApprovalResolved(as_event(decided)))
        return decided

    def _decide(self) -> Approval:
        request, desk = self.request, self.office.desk
        if request.verdict == "rejected":
            return desk.reject(request.approval, request.person, request.note)
        try:
            return desk.approve(request.approval, request.person, request.note)
        except ApprovalConflict:
            # What this person approved, and the process that was to perform it is gone.
            left = desk.get(request.approval)
            if left.state == "approved" and request.person in left.agreed:
                return left
            raise

    async def _act(self, approved: Approval) -> Approval:
        """The approval after its act, which is a call like any other to whoever watches."""
        self.turn.show("\n")
        # Begun before anything is waited for: who approved it may be gone by then.
        act = self.office.begin(approved, self._teller())
        ended = [approved]

        def wait() -> ToolResult:
            ended[0] = act.result()
            return _result_of(ended[0])

        request, toolbox = approved.request, self.turn.toolbox
        report = await toolbox.perform(request.action, dict(request.arguments), wait)
        if ended[0] is approved:
            # What refused it has said so in the call.
            ended[0] = await asyncio.to_thread(self.office.desk.get, approved.id)
            self.turn.show_section(f"**Not done**: {report.result.summary}")
        else:
            self.turn.show_section(verdict(ended[0]))
        self.turn.show_section(evidence_section(report.evidence))
        return ended[0]

    def _teller(self) -> Callable[[str], None]:
        """Shows the act's steps, told from its thread."""
        loop = asyncio.get_running_loop()

        def tell(step: str) -> None:
            # Nobody may listen any more; the act goes on all the same.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.turn.show, f"\n- {step}")

        return tell


def _result_of(ended: Approval) -> ToolResult:
    """The act as the call's result."""
    status = Status.OK if ended.outcome == "done" else Status.ERROR
    told = verdict(ended).partition("\n\n")[0].replace("**", "")
    return ToolResult(status, told, findings_of(ended.result))
