"""`/api/sessions`: earlier conversations, with their evidence."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from assistant import wire
from assistant.server.auth import MayAsk
from assistant.server.bodies import Name, RenameBody
from assistant.server.state import State

router = APIRouter(prefix="/api/sessions", tags=["sessions"])


@router.get("")
async def list_sessions(caller: MayAsk, state: State) -> dict[str, Any]:
    """All sessions, the last used one first."""
    return {"sessions": [wire.written(info) for info in await state.assistant.sessions()]}


@router.get("/{session}")
async def show(session: Name, caller: MayAsk, state: State) -> dict[str, Any]:
    """One session: its turns with their last events, and its evidence."""
    shown: dict[str, Any] = wire.written(await state.assistant.conversation(session))
    return shown


@router.patch("/{session}", status_code=204)
async def rename(session: Name, body: RenameBody, caller: MayAsk, state: State) -> None:
    """Give the session another title."""
    await state.assistant.rename(session, body.title)


@router.delete("/{session}")
async def delete(session: Name, caller: MayAsk, state: State) -> dict[str, str]:
    """Remove the session with all that belongs to it."""
    return {"deleted": await state.assistant.delete(session)}
