"""Suggestions: a restart that an answer advises, put before a person as a proposal.

Only what the answer itself advises, and only where a runbook has it and the cited evidence is about
exactly one service. Nobody ordered it, and the proposal says on whose word it stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from assistant.agent.advice import advises_restart, supports_restart
from assistant.agent.checking import cited_ids
from assistant.agent.ordered import known_targets
from assistant.agent.proposal import Proposal, sole_target, suggesters
from assistant.agent.report import approval_section
from assistant.agent.turn import Turn
from tools.errors import ToolsError
from tools.evidence import Evidence
from tools.result import Status
from tools.services.control import ServiceAction


async def suggested_restart(turn: Turn, written: str, evidence: Sequence[Evidence]) -> str:
    """The section with the proposal that follows from `written`; empty when none does."""
    runbooks = [item for item in evidence if supports_restart([item])]
    if not runbooks or not advises_restart(written):
        return ""
    cited = [item for item in evidence if item.id in cited_ids(written)]
    target = sole_target(await known_targets(turn), cited)
    if target is None:
        return ""
    if not supports_restart(runbooks, f"restart {target.service}"):
        return ""
    action = ServiceAction("restart", target.backend, target.service)
    actions = turn.toolbox.actions
    refusal = "" if actions is None else await asyncio.to_thread(actions.refusal, action)
    if refusal:
        # The advice stands in the answer; who follows it does so by other means.
        return ""
    proposal = Proposal(
        action,
        f"advised in the answer, after {runbooks[0].finding.source}",
        (*cited, *runbooks[:1]),
        suggesters(target.service, (*cited, *runbooks[:1]), is_ordered=False),
        await _state(turn, action),
    )
    report = await turn.toolbox.propose(proposal)
    is_kept = report.result.status is Status.NEEDS_APPROVAL
    return approval_section(turn.toolbox.approvals[-1]) if is_kept else ""


async def _state(turn: Turn, action: ServiceAction) -> str:
    actions = turn.toolbox.actions
    if actions is None:
        return ""
    try:
        return (await asyncio.to_thread(actions.state_of, action)).state
    except ToolsError:
        # What is not known now is looked at again before anything is done.
        return ""
