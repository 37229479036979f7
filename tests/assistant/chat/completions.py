"""A server that speaks OpenAI's chat-completions protocol and answers from a script.

It keeps the requests that it got. A script's entry is a `Reply` (streamed as server-sent events,
as every such server does) or a `Refusal`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Reply:
    """A streamed answer. `cut` breaks the connection in the middle of it; `ends_early` ends the
    stream in good order before the answer is whole, as a proxy does whose server has died."""

    text: str = ""
    calls: Sequence[Call] = ()
    finish: str = ""
    cut: bool = False
    ends_early: bool = False


@dataclass(frozen=True)
class Refusal:
    """An answer that is no stream: an error, or something that is no model's."""

    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class Completions:
    """The scripted server: `script` is what is still to come, `requests` what came in."""

    def __init__(self, *script: Reply | Refusal, key: str = "") -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.base_url = ""
        self.was_left = asyncio.Event()
        self._key = key

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The next entry of the script; `was_left` is set when the client goes before its end."""
        try:
            return await self._answer(request)
        except (ConnectionError, asyncio.CancelledError):
            self.was_left.set()
            raise

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.authorizations.append(request.headers.get("Authorization", ""))
        if self._key and self.authorizations[-1] != f"Bearer {self._key}":
            return _refused(Refusal(401, f"Incorrect API key: {self.authorizations[-1]}"))
        entry = self.script.pop(0)
        if isinstance(entry, Refusal):
            return _refused(entry)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        chunks = list(_chunks(entry, self.requests[-1]["model"]))
        for chunk in chunks[: len(chunks) // 2] if entry.cut or entry.ends_early else chunks:
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if entry.cut:
            assert request.transport is not None
            request.transport.close()
            return response
        if not entry.ends_early:
            await response.write(b"data: [DONE]\n\n")
        return response

    def conversation(self, number: int = -1) -> list[tuple[str, str]]:
        """Role and text of each message of a request."""
        return [
            (message["role"], message.get("content") or "")
            for message in self.requests[number]["messages"]
        ]


@asynccontextmanager
async def serving(completions: Completions) -> AsyncIterator[Completions]:
    """Serve it on a port of this machine; `base_url` is set."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", completions.answer)
    server = TestServer(app)
    await server.start_server()
    completions.base_url = str(server.make_url("/v1"))
    try:
        yield completions
    finally:
        await server.close()


def _chunks(reply: Reply, model: str) -> list[dict[str, Any]]:
    pieces = [reply.text[start : start + 7] for start in range(0, len(reply.text), 7)]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in pieces]
    for index, (name, arguments) in enumerate(reply.calls):
        text = json.dumps(arguments)
        begun = {"id": f"call_{index}_{name}", "type": "function"}
        first = {"index": index, **begun, "function": {"name": name, "arguments": ""}}
        halves = (text[: len(text) // 2], text[len(text) // 2 :])
        rest = [{"index": index, "function": {"arguments": half}} for half in halves]
        deltas += [{"tool_calls": [delta]} for delta in (first, *rest)]
    finish = reply.finish or ("tool_calls" if reply.calls else "stop")
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "prompt_tokens_details": {"cached_tokens": 40},
    }
    return [
        *({**frame, "choices": [{"index": 0, "delta": delta}]} for delta in deltas),
        {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        {**frame, "choices": [], "usage": usage},
    ]


def _refused(refusal: Refusal) -> web.Response:
    body = {"error": {"message": refusal.message, "type": "error", "code": None}}
    return web.json_response(body, status=refusal.status, headers=refusal.headers)
