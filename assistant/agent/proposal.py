"""Proposals: an action that a turn puts before a person, with why and on whose word.

A turn can only propose. Whether the action is permitted at all, who may approve it and how it is
carried out is the office's matter (`assistant.office`); nothing that a model, a log or a runbook
says reaches a service manager from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.agent.arguments import ActOnService, ScaleService
from assistant.agent.order import Target
from assistant.events import Approval
from tools.errors import UnknownService
from tools.evidence import Evidence
from tools.scope import ServiceState
from tools.services.control import ServiceAction
from tools.services.names import last_part, short_name

BY_MODEL = "model"
"""Who suggested an action that no evidence names."""

_ACTING = re.compile(
    r"\b(?:re-?start|reboot|bounce|rollout|start|stop|scale|replicas|delete|kill)", re.IGNORECASE
)
_MAX_SUGGESTERS = 5
_MAX_NAMED = 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action and its reasons.

    `suggested_by` names the evidence from which alone its target or reason came (a log line's id,
    or `BY_MODEL`); empty when the person ordered exactly this. `state` is the manager's word
    for the service when it was proposed.
    """

    action: ServiceAction
    reason: str
    evidence: tuple[Evidence, ...] = ()
    suggested_by: tuple[str, ...] = ()
    state: str = ""


class Actions(Protocol):
    """What a turn may propose, and where it does. Every call may block."""

    def targets(self) -> tuple[Target, ...]:
        """The services that can be acted on. A manager that does not answer has none."""
        ...

    def state_of(self, action: ServiceAction) -> ServiceState:
        """The action's service as it is now. Raises ToolsError."""
        ...

    def refusal(self, action: ServiceAction) -> str:
        """Why nobody could approve `action`, and what would change that; empty when one can."""
        ...

    def propose(self, session: str, proposal: Proposal) -> Approval:
        """Keep the proposal for a person's decision. Raises MidwatchError."""
        ...


def suggesters(service: str, evidence: Iterable[Evidence], *, is_ordered: bool) -> tuple[str, ...]:
    """Who says that `service` should be acted on, when no person did: ids, the plainest first.

    Evidence that names the service and an act comes before what names one of them; of what a
    service manager said several times, the last counts.
    """
    if is_ordered:
        return ()
    named = re.compile(rf"(?<![\w-]){re.escape(last_part(service))}(?![\w-])", re.IGNORECASE)
    latest = {_place(item): item for item in evidence}.values()
    weights = {item.id: _weight(item, named) for item in latest}
    told = sorted((i for i, weight in weights.items() if weight), key=lambda i: -weights[i])
    return tuple(told[:_MAX_SUGGESTERS]) or (BY_MODEL,)


def proposal_of(
    name: str, wanted: ActOnService, actions: Actions | None, evidence: Iterable[Evidence]
) -> Proposal:
    """The proposal that a model's call of the action `name` makes. It stands on no person's word.

    Raises UnknownService unless one service has exactly this name, and what `state_of` raises.
    """
    evidence = tuple(evidence)
    targets = actions.targets() if actions is not None else ()
    found = [target for target in targets if target.service == wanted.service]
    if actions is None or len(found) != 1:
        known = ", ".join(target.service for target in targets[:_MAX_NAMED]) or "none"
        raise UnknownService(f"there is no one service {wanted.service}", f"there are: {known}")
    named: dict[str, str | int] = {"backend": found[0].backend, "service": found[0].service}
    if isinstance(wanted, ScaleService):
        named["replicas"] = wanted.replicas
    action = ServiceAction.of(name, named)
    cited = tuple(item for item in evidence if f"[{item.id}]" in wanted.reason)
    return Proposal(
        action,
        f"the model's words: {wanted.reason}",
        cited,
        suggesters(action.service, evidence, is_ordered=False),
        actions.state_of(action).state,
    )


def _place(item: Evidence) -> tuple[str, str]:
    """What tells evidence apart: a service by its name, all else by its id."""
    finding = item.finding
    return ("service", finding.source) if finding.kind == "service" else ("", item.id)


def _weight(item: Evidence, named: re.Pattern[str]) -> int:
    finding = item.finding
    names = named.search(finding.text) or named.search(finding.source)
    if _ACTING.search(finding.text):
        # A runbook's step need not name the service.
        return 3 if names else 2 * (finding.kind == "runbook")
    return 1 if names and item.is_fact else 0


def sole_target(
    targets: Sequence[Target], evidence: Iterable[Evidence], verb: str = "restart"
) -> Target | None:
    """The one service that `evidence` is about; None when it is about none or several."""
    sources = {item.finding.source.lower() for item in evidence if item.is_fact}
    about = [target for target in targets if verb in target.verbs and _is_about(target, sources)]
    return about[0] if len(about) == 1 else None


def _is_about(target: Target, sources: Iterable[str]) -> bool:
    full = target.service.lower()
    names = {full, short_name(full), f"{target.backend}:{full}"}
    return any(source in names for source in sources)
