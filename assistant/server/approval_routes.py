"""`/api/approvals`: what waits for a person, ordering an action, and deciding."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from assistant import wire
from assistant.approvals.approval import Approval
from assistant.errors import ApprovalNotFound, NotAllowed
from assistant.events import Event
from assistant.interface import DecideRequest, OrderRequest, RunRequest
from assistant.server.auth import MayApprove, MayAsk, Principal
from assistant.server.bodies import DecisionBody, Name, OrderBody, RunBody, TurnId
from assistant.server.state import ServerState, State
from assistant.server.streaming import turn_response

router = APIRouter(prefix="/api/approvals", tags=["approvals"])


@router.get("")
async def list_approvals(
    caller: MayAsk, state: State, session: Name | None = None
) -> dict[str, Any]:
    """All approvals, or those of a session, the newest first."""
    found = await state.assistant.approvals(session)
    return {"approvals": [_shown(approval) for approval in found]}


@router.get("/{approval}")
async def show(approval: Name, caller: MayAsk, state: State) -> dict[str, Any]:
    """One approval: what would be done, on whose word, and what has become of it."""
    for one in await state.assistant.approvals():
        if one.id == approval:
            return _shown(one)
    raise ApprovalNotFound(f"there is no approval {approval}", "list them: GET /api/approvals")


@router.post("/services", status_code=201)
async def order(body: OrderBody, caller: MayAsk, state: State) -> dict[str, Any]:
    """Ask for an action on a service; what comes back waits for a decision."""
    person = caller.person(body.person)
    request = OrderRequest(body.verb, body.service, person, body.backend, body.replicas)
    return _shown(await state.assistant.order(request))


@router.post("/code", status_code=201)
async def order_run(body: RunBody, caller: MayAsk, state: State) -> dict[str, Any]:
    """Ask for code to be run in the sandbox; what comes back waits for a decision."""
    if body.folder is not None and not caller.is_local:
        raise NotAllowed("folders are the server's, and only for callers on its socket")
    request = RunRequest(
        body.language,
        body.code,
        caller.person(body.person),
        body.folder,
        body.has_network,
        body.reason,
    )
    return _shown(await state.assistant.order(request))


@router.post("/{approval}/decision", response_class=StreamingResponse)
async def decide(
    approval: Name, body: DecisionBody, request: Request, caller: MayApprove, state: State
) -> StreamingResponse:
    """Decide. What is done then, and the turn that goes on, are a stream of events."""
    return _decided(secrets.token_hex(12), approval, body, request, caller, state)


@router.put("/{approval}/decision/{turn}", response_class=StreamingResponse)
async def decide_as(
    approval: Name,
    turn: TurnId,
    body: DecisionBody,
    request: Request,
    caller: MayApprove,
    state: State,
) -> StreamingResponse:
    """Decide, as a turn under an id of one's own: sent twice, it is decided once."""
    return _decided(turn, approval, body, request, caller, state)


def _decided(
    turn: str,
    approval: str,
    body: DecisionBody,
    request: Request,
    caller: Principal,
    state: ServerState,
) -> StreamingResponse:
    person = caller.person(body.person)
    name = caller.turn(turn)
    decision = DecideRequest(approval, body.verdict, person, body.note, body.goes_on, name)

    def stream() -> AsyncGenerator[Event]:
        events = state.assistant.decide(decision)
        watched = state.watch.turn(events, person.front, request.headers)
        return state.noted(name, f"{body.verdict} {approval}", None, watched)

    return turn_response(state.turns.begin(turn, caller.owner, stream), request, state)


def _shown(approval: Approval) -> dict[str, Any]:
    """The approval whole, and what it is called."""
    return {
        **wire.written(approval),
        "status": approval.status,
        "outcome": approval.outcome,
    }
