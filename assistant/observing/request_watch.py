"""`RequestWatch`: a request's id, its line in the log, and its place in the metrics.

It is the outermost ASGI middleware, so that what others refuse is seen as well. Of a request it
logs no query, no header and no body: those may hold secrets.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from assistant.observing.logs import log_context, with_fields
from assistant.observing.metrics import Metrics

HEADER = b"x-request-id"
UNMATCHED = "unmatched"
CLIENT_LEFT = 499
"""The status of a request whose client left before it was answered, as nginx has it."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_MAX_PATH_CHARS = 200
# What asks every few seconds, and is of interest only when it fails.
_QUIET_ROUTES = frozenset({"/metrics", "/healthz", "/readyz"})

_log = logging.getLogger("assistant.access")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RequestWatch:
    """Takes `X-Request-Id` from the request, or makes one, and returns it.

    Within the app it is in the log context and in `request.state.request_id`. An id of another form
    than 1 to 64 letters, digits, dots, lines and underscores is not taken.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; websockets and the lifespan pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _accepted(scope) or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        response = _Response(request_id, send)
        with log_context(request=request_id):
            try:
                await self._app(scope, receive, response.send)
            except Exception:
                response.has_failed = True
                raise
            finally:
                self._note(scope, response)

    def _note(self, scope: Scope, response: _Response) -> None:
        route = _template(scope)
        status = response.shown_status
        self._metrics.answered(route, scope["method"], status, response.start_s)
        _log.log(
            _level(route, status),
            "%s %s %d",
            scope["method"],
            scope["path"][:_MAX_PATH_CHARS],
            status,
            extra=with_fields(
                route=route,
                duration_s=round(response.elapsed_s(), 6),
                sent_bytes=response.sent_bytes,
                is_complete=response.is_complete,
            ),
        )


@dataclass(slots=True)
class _Response:
    """What is sent to the client, on its way."""

    request_id: str
    _send: Send
    status: int | None = None
    start_s: float | None = None
    sent_bytes: int = 0
    is_complete: bool = False
    has_failed: bool = False
    _began_at: float = field(default_factory=time.perf_counter)

    async def send(self, message: Message) -> None:
        """Pass a message on, with the id in the headers."""
        if message["type"] == "http.response.start":
            self.status, self.start_s = message["status"], self.elapsed_s()
            headers = [*message.get("headers", ()), (HEADER, self.request_id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)
        if message["type"] == "http.response.body":
            self.sent_bytes += len(message.get("body", b""))
            self.is_complete = not message.get("more_body", False)

    @property
    def shown_status(self) -> int:
        """The status that was sent, or what became of a request without one."""
        if self.status is not None:
            return self.status
        return 500 if self.has_failed else CLIENT_LEFT

    def elapsed_s(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self._began_at


def _accepted(scope: Scope) -> str:
    """The id that the client gave, if it has the right form; else nothing."""
    given: bytes = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else ""


def _template(scope: Scope) -> str:
    """The template of the route that was taken.

    FastAPI keeps a route's place in the whole app beside it; the route itself knows its router's
    part of the template only.
    """
    in_app = scope.get("fastapi", {}).get("effective_route_context")
    path: str = getattr(in_app or scope.get("route"), "path", UNMATCHED)
    return path


def _level(route: str, status: int) -> int:
    if status >= 500:
        return logging.WARNING
    return logging.DEBUG if route in _QUIET_ROUTES else logging.INFO
