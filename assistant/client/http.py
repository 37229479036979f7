"""HTTP to the server: its errors become ours, and a stream that breaks is gone on with."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent, SSEError

import assistant.errors
import knowledge.errors
import tools.errors
from assistant.client.finding import ServerAddress
from assistant.errors import MidwatchError, ServerBusy, ServerError, TurnNotFound, WireError
from knowledge.errors import KnowledgeError
from tools.errors import ToolsError

# The server says every 15 s that a turn still runs.
_TIMEOUT = httpx.Timeout(45.0, connect=5.0)
_RESUME_S = 30.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_BROKEN = (httpx.TransportError, httpx.StreamError, SSEError)


def open_client(address: ServerAddress) -> httpx.AsyncClient:
    """Connections to the server. Raises ServerError when its certificate authority is unusable."""
    if address.socket is not None:
        transport = httpx.AsyncHTTPTransport(uds=str(address.socket))
        # A proxy of the environment is not for this.
        return httpx.AsyncClient(
            transport=transport, base_url="http://midwatch", timeout=_TIMEOUT, trust_env=False
        )
    headers = {"Authorization": f"Bearer {address.token}"}
    return httpx.AsyncClient(
        base_url=address.url, headers=headers, timeout=_TIMEOUT, verify=_trust(address)
    )


async def call(client: httpx.AsyncClient, method: str, path: str, **given: Any) -> Any:
    """The JSON that the server answers. Raises the error that it answers with, and ServerError."""
    try:
        response = await client.request(method, path, **given)
    except httpx.HTTPError as error:
        raise unreachable(client, error) from error
    _raise_for(response.status_code, response.content)
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise WireError("the server answered with no JSON", "is it midwatch?") from error


async def stream(
    client: httpx.AsyncClient, method: str, path: str, body: Any
) -> AsyncGenerator[ServerSentEvent]:
    """The events that the server answers a request with, which is sent once."""
    try:
        async with _opened(client, method, path, json=body) as events:
            async for event in events:
                yield event
    except _BROKEN as error:
        raise unreachable(client, error) from error


async def turn_stream(
    client: httpx.AsyncClient, path: str, body: Any, turn: str, last: frozenset[str]
) -> AsyncGenerator[ServerSentEvent]:
    """A turn's events, each of them once, to one whose name is in `last`.

    The request names the turn, so that it can be sent again while nothing is known of it. Once
    events have come, a broken connection is gone on with behind the last one. Raises the error
    that the server answers with, and ServerError when it is away for long.
    """
    seen = 0
    deadline = None
    pause_s = _FIRST_PAUSE_S
    while True:
        method, place, sent = _request(path, body, turn, seen)
        headers = {"Last-Event-ID": str(seen)}
        try:
            async with _opened(client, method, place, json=sent, headers=headers) as events:
                async for event in events:
                    seen, deadline, pause_s = int(event.id), None, _FIRST_PAUSE_S
                    yield event
                    if event.event in last:
                        return
            broken: Exception = WireError("the stream ended in the middle of a turn")
        except TurnNotFound as error:
            raise _interrupted() from error
        except ServerBusy as error:
            if not seen:
                raise
            # Another server still works on the turn, or is about to be found dead.
            broken = error
        except _BROKEN as error:
            broken = error
        if deadline is None:
            # Where nobody listens to begin with, waiting is of no use.
            was_there = seen or not isinstance(broken, httpx.ConnectError)
            deadline = time.monotonic() + (_RESUME_S if was_there else 0.0)
        if time.monotonic() >= deadline:
            raise unreachable(client, broken)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def unreachable(client: httpx.AsyncClient, error: Exception) -> ServerError:
    """That the server does not answer, and why."""
    what = str(error) or type(error).__name__
    return ServerError(
        f"the server at {client.base_url} does not answer: {what}",
        "check that `midwatch serve` runs there, or work without it: --local",
    )


def _request(path: str, body: Any, turn: str, seen: int) -> tuple[str, str, Any]:
    if seen:
        return "GET", f"/api/turns/{turn}/events", None
    return "PUT", path, body


@asynccontextmanager
async def _opened(
    client: httpx.AsyncClient, method: str, path: str, **given: Any
) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
    async with client.stream(method, path, **given) as response:
        if response.is_error:
            _raise_for(response.status_code, await response.aread())
        yield EventSource(response).aiter_sse()


def _raise_for(status: int, content: bytes) -> None:
    """Raises the error that the server answered with, as the class that it was there."""
    if status < httpx.codes.BAD_REQUEST:
        return
    try:
        told = json.loads(content)["error"]
        message, hint, kind = str(told["message"]), str(told["hint"]), str(told.get("kind"))
        code = str(told["code"])
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"the server answered with {status}", "is it midwatch?") from error
    for module, base in (
        (assistant.errors, MidwatchError),
        (tools.errors, ToolsError),
        (knowledge.errors, KnowledgeError),
    ):
        found = getattr(module, kind, None)
        if isinstance(found, type) and issubclass(found, base):
            raise found(message, hint)
    failure = ServerError(message, hint)
    failure.code = code
    raise failure


def _interrupted() -> ServerError:
    error = ServerError("the server ended while this was answered", "ask again")
    error.code = "interrupted"
    return error


def _trust(address: ServerAddress) -> ssl.SSLContext | bool:
    if address.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(address.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ServerError(
            f"{address.ca_file} is no certificate authority: {error}", "check [server] ca_file"
        ) from error
