"""Servers that speak OpenAI's chat-completions protocol, and fail in the ways that servers do.

Each request gets the next of the server's acts, the last one over and over. `asked` are the
questions that came in; the answer repeats the question.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

Act = Callable[["ModelServer", web.Request, str], Awaitable[web.StreamResponse]]


class ModelServer:
    """One server; `port` is where it listens, and does again after `start`."""

    def __init__(self, name: str, *acts: Act) -> None:
        self.name = name
        self.acts = list(acts) or [answer()]
        self.asked: list[str] = []
        self.num_running = 0
        self.num_looks = 0
        self.num_left = 0
        self.status_of_models = 200
        self.models_are_silent = False
        self.port = unused_port()
        self._server: TestServer | None = None
        self._transports: set[asyncio.Transport] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._server = TestServer(app, port=self.port)
        # A client that keeps its connection does not keep the server.
        await self._server.start_server(shutdown_timeout=0.01)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def kill(self) -> None:
        """Break all connections and listen no more, as a process that is killed does."""
        for transport in list(self._transports):
            transport.abort()
        await self.stop()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        question = (await request.json())["messages"][-1]["content"]
        self.asked.append(question)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        self.num_running += 1
        assert request.transport is not None
        self._transports.add(request.transport)
        try:
            return await act(self, request, question)
        except (ConnectionError, asyncio.CancelledError):
            self.num_left += 1
            raise
        finally:
            self.num_running -= 1
            self._transports.discard(request.transport)

    async def _models(self, request: web.Request) -> web.Response:
        self.num_looks += 1
        if self.models_are_silent:
            await asyncio.Event().wait()
        return web.json_response({"object": "list", "data": []}, status=self.status_of_models)


def answer(pieces: int = 3, pause_s: float = 0.0, gate: asyncio.Event | None = None) -> Act:
    """A whole answer; `gate` holds it back, `pause_s` is between its pieces."""

    async def act(server: ModelServer, request: web.Request, question: str) -> web.StreamResponse:
        if gate is not None:
            await gate.wait()
        response = await _begin(request)
        for number in range(pieces):
            await asyncio.sleep(pause_s)
            await _send(response, {"content": f"{question}.{number} "})
        await _send(response, {}, finish="stop")
        await response.write(b"data: [DONE]\n\n")
        return response

    return act


def refuse(status: int, **headers: str) -> Act:
    """An error instead of an answer; `retry_after` stands for the header of that name."""

    async def act(server: ModelServer, request: web.Request, question: str) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"error": {"message": "no", "type": "error", "code": None}}
        return web.json_response(body, status=status, headers=named)

    return act


def die(after_pieces: int = 0) -> Act:
    """The connection breaks: before any text, or after some of it."""

    async def act(server: ModelServer, request: web.Request, question: str) -> web.StreamResponse:
        response = await _begin(request)
        for number in range(after_pieces):
            await _send(response, {"content": f"{question}.{number} "})
        assert request.transport is not None
        request.transport.close()
        return response

    return act


def say(body: bytes, content_type: str = "text/event-stream") -> Act:
    """Whatever `body` is."""

    async def act(server: ModelServer, request: web.Request, question: str) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return act


async def be_silent(server: ModelServer, request: web.Request, question: str) -> web.StreamResponse:
    """Nothing at all, until the client goes."""
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def running(*servers: ModelServer) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for server in servers:
            await server.start()
            stack.push_async_callback(server.stop)
        yield


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await _send(response, {"role": "assistant", "content": ""})
    return response


async def _send(
    response: web.StreamResponse, delta: dict[str, Any], finish: str | None = None
) -> None:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "big",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
