"""The server's application: all routes, over one assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import APIRouter, FastAPI

from assistant.server import (
    approval_routes,
    health_routes,
    knowledge_routes,
    session_routes,
    turn_routes,
)
from assistant.server.auth import Verify
from assistant.server.failures import answer_failures
from assistant.server.impatience import BoundedBody
from assistant.server.state import ServerState

MAX_BODY_BYTES = 4 << 20
_DESCRIPTION = """
An operations assistant: ask it what is wrong, and decide what it proposes to do.

Answers are streams of server-sent events: the `id` of each is its number within the turn, `event`
its kind, `data` one JSON object. A client that lost its connection goes on with
`GET /api/turns/{turn}/events` and the header `Last-Event-ID`.
"""


def create_app(
    state: ServerState,
    socket: str,
    verify: Verify = lambda _: None,
    redact: Callable[[str], str] = str,
    routers: Iterable[APIRouter] = (),
) -> FastAPI:
    """The application; `routers` are those that need more than `state`.

    Who comes through the Unix socket at the path `socket` is the user who runs this.
    """
    app = FastAPI(title="midwatch", version=state.version, description=_DESCRIPTION)
    app.state.serving = state
    app.state.verify = verify
    app.state.socket = socket
    own = (turn_routes, approval_routes, session_routes, knowledge_routes, health_routes)
    for router in (*(module.router for module in own), *routers):
        app.include_router(router)
    answer_failures(app, redact, state.watch.metrics)
    app.add_middleware(BoundedBody, max_bytes=MAX_BODY_BYTES, open_paths=("/api/uploads",))
    return app
