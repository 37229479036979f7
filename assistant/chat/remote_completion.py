"""A completion by a chat model that answers elsewhere, which redacts what it sends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from assistant.chat.completion import (
    CallDelta,
    Completed,
    CompletionEvent,
    CompletionRequest,
    Reason,
)
from assistant.chat.completion_messages import messages_of
from assistant.chat.template import text_of
from assistant.engine.interface import TextDelta, Usage

_REASONS: Mapping[str, Reason] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
# What OpenAI's interface does not know and its client would refuse; servers like vLLM do.
_EXTENSIONS = ("min_p", "repetition_penalty")


async def complete_remotely(
    model: BaseChatModel, request: CompletionRequest
) -> AsyncGenerator[CompletionEvent]:
    """See `complete`."""
    reason: Reason = "stop"
    usage: UsageMetadata | None = None
    stream = model.astream(messages_of(request.turns), **_options(request))
    async with aclosing(cast(AsyncGenerator[Any], stream)) as chunks:
        async for chunk in cast(AsyncIterator[AIMessageChunk], chunks):
            if text := text_of(chunk):
                yield TextDelta(text)
            for call in chunk.tool_call_chunks:
                yield CallDelta(
                    call["index"] or 0, call["id"] or "", call["name"] or "", call["args"] or ""
                )
            reason = _REASONS.get(chunk.response_metadata.get("finish_reason", ""), reason)
            usage = chunk.usage_metadata or usage
    yield Completed(reason, _usage(usage))


def _options(request: CompletionRequest) -> dict[str, Any]:
    """The fields of the request beside its messages."""
    given = request.sampling.given()
    extra: dict[str, Any] = {name: given.pop(name) for name in _EXTENSIONS if name in given}
    if request.answer_format is not None:
        # Named openly, the client would read the answer itself, and fail where it is cut short.
        extra["response_format"] = request.answer_format
    options: dict[str, Any] = {**given, "extra_body": extra} if extra else {**given}
    if request.tools:
        options |= {"tools": list(request.tools), "tool_choice": _tool_choice(request)}
    if request.max_tokens is not None:
        options["max_tokens"] = request.max_tokens
    if request.stop:
        options["stop"] = list(request.stop)
    return options


def _tool_choice(request: CompletionRequest) -> str | dict[str, Any]:
    if request.tool_name is None:
        return request.tool_mode
    return {"type": "function", "function": {"name": request.tool_name}}


def _usage(usage: UsageMetadata | None) -> Usage:
    """What the server counted; nothing when it did not say."""
    if usage is None:
        return Usage(0, 0, 0, 0.0, 0.0)
    cached = usage.get("input_token_details", {}).get("cache_read", 0)
    return Usage(usage["input_tokens"], cached, usage["output_tokens"], 0.0, 0.0)
