"""`/v1/chat/completions` and `/v1/models`: the models for other programs, as OpenAI's API.

What a request may hold is in `openai_request`, what it asks of a model in
`assistant.chat.completion`. Who may ask, how large a body may be and what happened to errors that
nobody foresaw is the app's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from assistant.chat.completion import CompletionEvent, CompletionRequest
from assistant.engine.interface import Priority
from assistant.problems import describe
from assistant.server.openai_answer import WAITING, ChunkWriter, error_event, whole_answer
from assistant.server.openai_errors import (
    ApiError,
    ModelUnavailable,
    ModelUnknown,
    RequestInvalid,
    api_error,
    unforeseen,
)
from assistant.server.openai_request import ChatCompletionRequest, parse_request, request_schema
from assistant.server.openai_waiting import while_connected, with_pauses

_log = logging.getLogger(__name__)

# Proxies give up after about a minute of silence, and a long prompt may take longer than that.
_PATIENCE_S = 10.0
_NO_MODEL: dict[int | str, dict[str, Any]] = {404: {"description": "No such model"}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **_NO_MODEL,
    400: {"description": "A field is wrong or not supported, or the context is too short"},
    429: {"description": "The queue is full; see Retry-After"},
    502: {"description": "The model server behind this one failed"},
    503: {"description": "The model is not available"},
}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model by the name that clients know it by.

    `get` gives the chat model, loaded when it is first wanted; what it raises is told as "the model
    is not available".
    """

    name: str
    get: Callable[[], Awaitable[Any]]


def completions_router(
    models: Sequence[ServedModel],
    *,
    priority: Priority = Priority.CHAT,
    redact: Callable[[str], str] = str,
) -> APIRouter:
    """The router; the first of `models` answers requests that name none.

    `priority` is that of requests that ask for no other; `redact` takes secrets out of errors.
    """
    router = APIRouter(tags=["OpenAI"])
    served = {model.name: model for model in models}
    started_at = int(time.time())

    @router.post("/v1/chat/completions", openapi_extra=_described_body(), responses=_REFUSALS)
    async def create_chat_completion(request: Request) -> Response:
        """The next turn of a conversation, whole or as server-sent events."""
        try:
            wanted = parse_request(await request.body())
            model = _chosen(served, wanted.model or models[0].name)
            return _Answer(model, wanted, wanted.completion(priority), redact)
        except (RequestInvalid, ModelUnknown) as error:
            return _error_response(_told(error), redact)

    @router.get("/v1/models")
    async def list_models() -> Response:
        """The models that may be asked."""
        listed = [_listed(name, started_at) for name in served]
        return JSONResponse({"object": "list", "data": listed})

    @router.get("/v1/models/{name:path}", responses=_NO_MODEL)
    async def retrieve_model(name: str) -> Response:
        """One of them."""
        try:
            return JSONResponse(_listed(_chosen(served, name).name, started_at))
        except ModelUnknown as error:
            return _error_response(_told(error), redact)

    return router


def _described_body() -> dict[str, Any]:
    """The body for the OpenAPI page; it is read by `parse_request`, whose errors are OpenAI's."""
    content = {"application/json": {"schema": request_schema()}}
    return {"requestBody": {"required": True, "content": content}}


class _Answer(Response):
    """The response to one request; its status is known once the model has begun, or refused.

    The work ends when the client leaves.
    """

    def __init__(
        self,
        model: ServedModel,
        wanted: ChatCompletionRequest,
        completion: CompletionRequest,
        redact: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._model = model
        self._wanted = wanted
        self._completion = completion
        self._redact = redact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._answer(scope, receive, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            chat_model = await _loaded(self._model)
            response = await self._begin(chat_model)
        except Exception as error:
            # The edge: errors of many packages become statuses, and all others go on to the app.
            refused = api_error(error)
            if refused is None:
                raise
            response = _error_response(refused, self._redact)
        await response(scope, receive, send)

    async def _begin(self, chat_model: Any) -> Response:
        """The response, once the status is known. Raises as `complete` does."""
        # Not before a model is there: what it imports takes a second.
        from assistant.chat.completing import complete

        events = complete(chat_model, self._completion)
        if not self._wanted.stream:
            async with aclosing(events):
                return JSONResponse(await whole_answer(self._model.name, events))
        writer = ChunkWriter(self._model.name, has_usage=self._wanted.has_usage_chunk)
        chunks = _chunks(writer, events, self._redact)
        return _EventStream(await anext(chunks), chunks)


class _EventStream(Response):
    """Server-sent events: `first`, then the rest of `chunks`, each sent as it comes."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, chunks: AsyncGenerator[bytes]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._first = first
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            await send(_part(self._first))
            async for chunk in chunks:
                await send(_part(chunk))
            await send({"type": "http.response.body", "body": b""})


async def _chunks(
    writer: ChunkWriter, events: AsyncGenerator[CompletionEvent], redact: Callable[[str], str]
) -> AsyncGenerator[bytes]:
    """The events as they go out. Raises before the first chunk; later an error is the last one."""
    has_begun = False
    try:
        async with aclosing(events), aclosing(with_pauses(events, _PATIENCE_S)) as paused:
            async for event in paused:
                if not has_begun:
                    has_begun = True
                    yield writer.begin()
                yield WAITING if event is None else writer.write(event)
    except Exception as error:
        # Once the status is out, all that is left is to say it.
        if not has_begun:
            raise
        yield error_event(_told(error).body(redact))


async def _loaded(model: ServedModel) -> Any:
    """The chat model. Raises ModelUnavailable."""
    try:
        return await model.get()
    except Exception as error:
        problem = describe(error)
        has_cause = problem.code == "internal"
        _log.warning("no model %s: %s", model.name, problem.message, exc_info=has_cause)
        message = f"the model {model.name} is not available: {problem.message}"
        raise ModelUnavailable(message, problem.hint) from error


def _chosen(served: Mapping[str, ServedModel], name: str) -> ServedModel:
    """The model of that name. Raises ModelUnknown."""
    if name not in served:
        raise ModelUnknown(f"there is no model {name[:200]!r} here", f"one of {', '.join(served)}")
    return served[name]


def _told(error: Exception) -> ApiError:
    """The error for the client; one that nobody foresaw is for the log."""
    foreseen = api_error(error)
    if foreseen is None:
        _log.error("a completion failed", exc_info=error)
    return foreseen or unforeseen()


def _error_response(error: ApiError, redact: Callable[[str], str]) -> Response:
    return JSONResponse(error.body(redact), error.status, headers=error.headers)


def _listed(name: str, started_at: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": started_at, "owned_by": "midwatch"}


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}
