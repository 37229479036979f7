"""`/healthz` and `/readyz`: what a load balancer and a supervisor ask. They need no token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from assistant.server.state import State

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz(state: State) -> dict[str, Any]:
    """Whether the process works; `settings` is a digest, for clients that have their own."""
    return {"status": "ok", "version": state.version, "settings": state.settings}


@router.get("/readyz", responses={503: {"description": "loading, or about to end"}})
async def readyz(state: State, response: Response) -> dict[str, str]:
    """Whether a question would be worked on at once; 503 while the model loads, and at the end."""
    if state.turns.is_draining:
        response.status_code = 503
        return {"status": "draining"}
    if not state.is_ready:
        response.status_code = 503
        return {"status": "loading"}
    return {"status": "ready"}
