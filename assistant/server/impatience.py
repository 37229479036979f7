"""Connections that do not get to the point: closed, so that they cannot take the place of others.

uvicorn waits for a request's head, and for its body, as long as the client likes.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle, Transport

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0
_CLOSE = {"Connection": "close"}


class ImpatientProtocol(HttpToolsProtocol):
    """HTTP on one connection, whose heads have to be there in time."""

    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """See the base class."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See the base class."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """See the base class."""
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """See the base class."""
        self._stop_waiting()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class BoundedBody:
    """Refuses bodies that are too large (413) or come too slowly (408), for all routes.

    The routes of `open_paths` bound the size themselves.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, open_paths: tuple[str, ...] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = None if scope["path"] in self._open_paths else self._max_bytes
        await self._app(scope, _Body(receive, limit).receive, send)


class _Body:
    """The body as the app receives it."""

    def __init__(self, receive: Receive, max_bytes: int | None) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._is_whole = False

    async def receive(self) -> Message:
        if self._is_whole:
            # What comes now is the end of the connection, whenever that is.
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_TIMEOUT_S)
        except TimeoutError as error:
            raise HTTPException(408, "the request's body does not come", _CLOSE) from error
        if message["type"] == "http.request":
            self._num_bytes += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
        if self._max_bytes is not None and self._num_bytes > self._max_bytes:
            what = f"a request's body may have {self._max_bytes >> 20} MiB"
            raise HTTPException(413, what, _CLOSE)
        return message
