"""Answering an order: code proposes exactly what the person said, and no model is asked.

What is unclear is asked back, what is not permitted is refused with the reason; the runbook that
speaks of it is shown beside the proposal, and the service's state is its first evidence.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import replace

from assistant.agent.advice import supports_restart
from assistant.agent.exact import ExactAnswer
from assistant.agent.order import Order, Target, may_order, meant, read_order
from assistant.agent.proposal import Proposal, suggesters
from assistant.agent.report import approval_section, inline
from assistant.agent.turn import Turn
from tools.errors import InvalidQuery
from tools.evidence import Evidence
from tools.result import Status, ToolResult
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb
from tools.services.tool import service_finding

_MAX_NAMED = 6
_BUNDLE = "bundle"
_BUNDLE_VERBS: frozenset[Verb] = frozenset(("restart", "start", "stop", "scale"))


async def ordered_answer(turn: Turn) -> ExactAnswer | None:
    """What comes of the order in the turn's question; None when it gives none."""
    if not may_order(turn.question.text):
        # Most questions do not; the service managers need not be asked for them.
        return None
    targets = await known_targets(turn)
    order = read_order(turn.question.text, targets)
    if order is None:
        return None
    is_named = not order.is_pronoun
    if order.is_pronoun:
        order = replace(order, targets=_spoken_of(turn, targets))
    if len(order.targets) != 1:
        return ExactAnswer(_which(order, targets), (), ())
    target = order.targets[0]
    try:
        action = _action(order, target)
    except InvalidQuery as error:
        return ExactAnswer(f"**Not proposed**: {error.message}; {error.hint}.", (), ())
    return await _proposed(turn, action, is_named=is_named)


async def known_targets(turn: Turn) -> tuple[Target, ...]:
    """The services that can be acted on; of a bundle those that its logs are named after."""
    actions, scope = turn.toolbox.actions, turn.toolbox.scope
    if actions is not None:
        return await asyncio.to_thread(actions.targets)
    return tuple(Target(_BUNDLE, name, _BUNDLE_VERBS) for name in scope.logs)


async def _proposed(turn: Turn, action: ServiceAction, *, is_named: bool) -> ExactAnswer:
    states: list[ServiceState] = []
    seen = await _look(turn, action, states)
    runbooks = await _runbooks(turn, action)
    by = suggesters(action.service, turn.toolbox.ledger, is_ordered=is_named)
    proposal = Proposal(
        action,
        f"ordered: {' '.join(turn.question.text.split())[:200]}",
        (*seen, *runbooks),
        by,
        states[0].state if states else "",
    )
    report = await turn.toolbox.propose(proposal)
    if report.result.status is Status.NEEDS_APPROVAL:
        text = approval_section(turn.toolbox.approvals[-1])
    else:
        text = f"**Not proposed**: {report.result.summary}"
    return ExactAnswer(text, (*seen, *runbooks), ())


async def _look(
    turn: Turn, action: ServiceAction, states: list[ServiceState]
) -> tuple[Evidence, ...]:
    """The service as it is now, also in `states`; nothing of a bundle's, which is not here."""
    actions = turn.toolbox.actions
    if actions is None:
        return ()

    def look() -> ToolResult:
        state = actions.state_of(action)
        states.append(state)
        finding = service_finding(action.backend, state)
        return ToolResult(Status.OK, finding.text, (finding,))

    report = await turn.toolbox.perform("service_state", {"service": action.service}, look)
    return report.evidence


async def _runbooks(turn: Turn, action: ServiceAction) -> tuple[Evidence, ...]:
    """The runbook that speaks of such an act, so that the person sees what it asks for first."""
    query = f"{action.verb} {action.service}"
    report = await turn.toolbox.perform(
        "search_runbooks", {"query": query}, lambda: turn.toolbox.search_runbooks(query, k=1)
    )
    if action.verb != "restart":
        return report.evidence
    return tuple(item for item in report.evidence if supports_restart([item]))


def _action(order: Order, target: Target) -> ServiceAction:
    """Raises InvalidQuery for a number of replicas that is missing, or for a verb it has not."""
    if target.verbs and order.verb not in target.verbs:
        raise InvalidQuery(
            f"{target.backend} cannot {order.verb} `{inline(target.service)}`",
            f"it can: {', '.join(sorted(target.verbs))}",
        )
    replicas = order.replicas if order.verb == "scale" else None
    if order.verb == "scale" and replicas is None:
        raise InvalidQuery("the number of replicas is missing", "say: scale NAME to 3")
    return ServiceAction(order.verb, target.backend, target.service, replicas).checked()


def _spoken_of(turn: Turn, targets: Sequence[Target]) -> tuple[Target, ...]:
    """The services that "it" may be: those of the last question that names any."""
    for question in reversed(turn.question.earlier):
        found = meant(question, targets)
        if found:
            return found
    return ()


def _which(order: Order, targets: Sequence[Target]) -> str:
    if order.targets:
        names = ", ".join(f"`{inline(t.service)}` ({t.backend})" for t in order.targets)
        return f"**Which one?** Several services are called so: {names}. Say the whole name."
    if order.is_pronoun or not order.words:
        return f"**Which one?** Say the service's name{_some(targets)}."
    close = difflib.get_close_matches(order.words, [t.service for t in targets], n=1)
    hint = f"did you mean `{inline(close[0])}`?" if close else f"say the whole name{_some(targets)}"
    return f"**No such service**: `{inline(order.words)}`; {hint}"


def _some(targets: Sequence[Target]) -> str:
    """`: a, b and 3 more`; empty when there are none."""
    if not targets:
        return "; no service manager is set, see [services] in the settings"
    names = ", ".join(f"`{inline(target.service)}`" for target in targets[:_MAX_NAMED])
    more = len(targets) - _MAX_NAMED
    return f": {names} and {more} more" if more > 0 else f": {names}"
