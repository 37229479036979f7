"""`/api/turns`: asking, listening, going on listening, cancelling."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from assistant.access.quotas import Admission
from assistant.approvals.person import Person
from assistant.errors import NotAllowed, TurnNotFound
from assistant.events import Event
from assistant.interface import AskRequest
from assistant.server.auth import Caller, MayAsk, Principal
from assistant.server.bodies import AskBody, Name, TurnId
from assistant.server.state import ServerState, State
from assistant.server.streaming import ended_response, turn_response

router = APIRouter(prefix="/api", tags=["turns"])


@router.post("/turns", response_class=StreamingResponse)
async def ask(body: AskBody, request: Request, caller: MayAsk, state: State) -> StreamingResponse:
    """Ask. The answer is a stream of events; `Location` is where it can be gone on with."""
    return _answer(secrets.token_hex(12), body, request, caller, state)


@router.put("/turns/{turn}", response_class=StreamingResponse)
async def ask_as(
    turn: TurnId, body: AskBody, request: Request, caller: MayAsk, state: State
) -> StreamingResponse:
    """Ask, under an id of one's own: sent twice, it is asked once."""
    return _answer(turn, body, request, caller, state)


@router.get("/turns/{turn}/events", response_class=StreamingResponse)
async def go_on(turn: TurnId, request: Request, caller: Caller, state: State) -> StreamingResponse:
    """The turn's events behind `Last-Event-ID`, to its end."""
    try:
        running = state.turns.get(turn, caller.owner)
    except TurnNotFound:
        if state.journal is None:
            raise
        return ended_response(await state.journal.ending(caller.turn(turn)), turn)
    return turn_response(running, request, state)


@router.delete("/turns/{turn}", status_code=204)
async def cancel(turn: TurnId, caller: Caller, state: State) -> None:
    """End the turn now. An act that began goes on."""
    await state.turns.get(turn, caller.owner).cancel()


@router.post("/uploads", status_code=201)
async def upload(
    request: Request,
    caller: MayAsk,
    state: State,
    name: Annotated[Name, Query()] = "file",
    bundle: bool = False,
) -> dict[str, str]:
    """Keep the body as a file, or as a bundle if it is a tar archive of one, for a question."""
    made = await state.uploads.keep(caller.owner, name, request.stream(), is_bundle=bundle)
    return {"id": made.id}


def _answer(
    turn: str, body: AskBody, request: Request, caller: Principal, state: ServerState
) -> StreamingResponse:
    asked = as_request(caller.turn(turn), body, caller, state)

    def stream() -> AsyncGenerator[Event]:
        events = state.watch.turn(state.assistant.ask(asked), _front(asked), request.headers)
        return state.noted(asked.turn, asked.question, asked.session, events)

    def admit() -> Admission:
        return state.quotas.admit(_asker(asked), is_alert=asked.urgency == "alert")

    return turn_response(state.turns.begin(turn, caller.owner, stream, admit), request, state)


def _asker(asked: AskRequest) -> Person:
    assert asked.person is not None, "every caller is somebody"
    return asked.person


def _front(asked: AskRequest) -> str:
    """What the metrics call those who ask."""
    return "alerts" if asked.urgency == "alert" else _asker(asked).front


def as_request(turn: str, body: AskBody, caller: Principal, state: ServerState) -> AskRequest:
    """What the assistant is asked. Raises NotAllowed and UploadRefused."""
    if not caller.is_local and (body.bundle or body.files or body.stdin_file):
        raise NotAllowed(
            "paths are the server's, and only for callers on its socket",
            "upload the files and name them in `uploads`",
        )
    uploads = [state.uploads.find(caller.owner, one) for one in body.uploads]
    bundles = [one.path for one in uploads if one.is_bundle]
    files = (*body.files, *(one.path for one in uploads if not one.is_bundle))
    if len(bundles) + (body.bundle is not None) > 1 or (bundles and files):
        raise NotAllowed("a bundle is the whole evidence", "send one bundle and no other files")
    return AskRequest(
        question=body.question,
        session=body.session,
        continue_last=body.continue_last,
        bundle=body.bundle or (bundles[0] if bundles else None),
        files=files,
        stdin_file=body.stdin_file,
        person=caller.person(body.person),
        turn=turn,
        urgency=body.urgency,
        severity=body.severity,
        is_deep=body.is_deep,
        may_be_cached=body.may_be_cached,
    )
