"""An order that a person gives by name: checked, and put before whoever has to agree."""

from __future__ import annotations

from difflib import get_close_matches

from assistant.acting.office import Office
from assistant.acting.running import run_request
from assistant.agent.order import Target, meant
from assistant.agent.proposal import Proposal
from assistant.approvals.approval import Approval
from assistant.interface import OrderRequest, RunRequest
from tools.errors import ActionRefused, InvalidQuery, UnknownService
from tools.evidence import Ledger
from tools.services.control import ServiceAction
from tools.services.tool import service_finding

_MAX_CLOSE = 3


def order(office: Office, request: OrderRequest | RunRequest) -> Approval:
    """The approval that waits for a decision.

    Raises SandboxUnavailable for code that could not be run; for an action on a service
    UnknownService, InvalidQuery when it is not clear which one is meant, ActionRefused when it is
    not permitted, BackendUnavailable; and what `Desk.request` raises.
    """
    if isinstance(request, RunRequest):
        return office.desk.request(run_request(request))
    target = _target(office, request)
    wanted = ServiceAction(request.verb, target.backend, target.service, request.replicas)
    action = wanted.checked()
    refusal = office.refusal(action)
    if refusal:
        raise ActionRefused(refusal)
    state = office.state_of(action)
    seen = Ledger().add(service_finding(action.backend, state))
    proposal = Proposal(action, f"ordered by {request.person}", (seen,), state=state.state)
    return office.propose("", 0, request.person, proposal)


def _target(office: Office, request: OrderRequest) -> Target:
    known = [target for target in office.targets() if request.backend in ("", target.backend)]
    found = meant(request.service, known)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{target.service} ({target.backend})" for target in found)
        raise InvalidQuery(
            f"several services are called {request.service}: {names}",
            "give the whole name, or --backend",
        )
    close = get_close_matches(request.service, [t.service for t in known], _MAX_CLOSE)
    hint = f"did you mean {', '.join(close)}?" if close else "see: midwatch services list"
    raise UnknownService(f"there is no service {request.service}", hint)
