"""Services that a turn can propose to act on: everything is kept, nothing is done."""

from __future__ import annotations

from collections.abc import Iterable

from assistant.agent.order import Target
from assistant.agent.proposal import Proposal
from assistant.events import Approval
from tools.errors import UnknownService
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb

VERBS: frozenset[Verb] = frozenset(("restart", "start", "stop"))


class KnownServices:
    """`Actions` over names; `refused` is said of every action, when it is not empty."""

    def __init__(self, names: Iterable[str], refused: str = "") -> None:
        self.names = tuple(names)
        self.refused = refused
        self.proposals: list[Proposal] = []

    def targets(self) -> tuple[Target, ...]:
        return tuple(Target("supervisor", name, VERBS) for name in self.names)

    def state_of(self, action: ServiceAction) -> ServiceState:
        if action.service not in self.names:
            raise UnknownService(action.service)
        return ServiceState(action.service, "RUNNING", True, "running for 5 s", pid=7)

    def refusal(self, action: ServiceAction) -> str:
        return self.refused

    def propose(self, session: str, proposal: Proposal) -> Approval:
        self.proposals.append(proposal)
        action = proposal.action
        return Approval(
            f"a-{len(self.proposals)}",
            action.name,
            action.as_arguments(),
            "pending",
            suggested_by=proposal.suggested_by,
        )
