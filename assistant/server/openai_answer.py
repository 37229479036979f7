"""What a completion is on the wire: one JSON object, or server-sent events, a chunk each.

A chunk is made for every token of every answer, so that all but its text is written once.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from assistant.chat.completion import CallDelta, Completed, CompletionEvent
from assistant.engine.interface import TextDelta, Usage

DONE = b"data: [DONE]\n\n"
WAITING = b": waiting\n\n"
"""A comment, which keeps proxies from giving the connection up."""


class ChunkWriter:
    """The chunks of one streamed answer, each as the bytes of a server-sent event."""

    def __init__(self, model: str, *, has_usage: bool) -> None:
        frame = json.dumps(_frame(model, "chat.completion.chunk"))
        self._usage_frame = f"data: {frame[:-1]}, "
        self._before = f'{self._usage_frame}"choices": [{{"index": 0, "delta": '
        no_usage = ', "usage": null' if has_usage else ""
        self._after = f', "logprobs": null, "finish_reason": null}}]{no_usage}}}\n\n'
        self._no_usage = no_usage
        self._has_usage = has_usage

    def begin(self) -> bytes:
        """The first chunk, which says who speaks."""
        return self._delta({"role": "assistant", "content": ""})

    def write(self, event: CompletionEvent) -> bytes:
        """The chunk, or the last chunks, of `event`."""
        match event:
            case TextDelta():
                # ASCII: some clients take U+2028 in a line for the end of it.
                content = json.dumps(event.text)
                return f'{self._before}{{"content": {content}}}{self._after}'.encode()
            case CallDelta():
                return self._delta({"tool_calls": [_call_piece(event)]})
            case Completed():
                return self._end(event)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return f"{self._before}{json.dumps(delta)}{self._after}".encode()

    def _end(self, event: Completed) -> bytes:
        reason = json.dumps(event.reason)
        last = f'{self._before}{{}}, "logprobs": null, "finish_reason": {reason}}}]{self._no_usage}'
        usage = json.dumps(_usage(event.usage))
        cost = f'{self._usage_frame}"choices": [], "usage": {usage}}}\n\n'
        return f"{last}}}\n\n{cost if self._has_usage else ''}".encode() + DONE


def error_event(body: dict[str, Any]) -> bytes:
    """An error in a stream that has begun; nothing comes after it."""
    return f"data: {json.dumps(body)}\n\n".encode()


async def whole_answer(model: str, events: AsyncIterator[CompletionEvent]) -> dict[str, Any]:
    """The body of an answer that is not streamed. Raises as `events` do."""
    text: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    async for event in events:
        match event:
            case TextDelta():
                text.append(event.text)
            case CallDelta():
                _add_piece(calls, event)
            case Completed():
                completed = event
    message: dict[str, Any] = {"role": "assistant", "content": "".join(text), "refusal": None}
    if calls:
        message |= {"content": message["content"] or None, "tool_calls": list(calls.values())}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": completed.reason,
    }
    frame = _frame(model, "chat.completion")
    return {**frame, "choices": [choice], "usage": _usage(completed.usage)}


def _add_piece(calls: dict[int, dict[str, Any]], piece: CallDelta) -> None:
    """Take `piece` into the call that it belongs to."""
    call = calls.get(piece.index)
    if call is None:
        call = _call_piece(piece)
        del call["index"]
        calls[piece.index] = call
    else:
        call["function"]["arguments"] += piece.arguments


def _call_piece(piece: CallDelta) -> dict[str, Any]:
    if not piece.id:
        return {"index": piece.index, "function": {"arguments": piece.arguments}}
    function = {"name": piece.name, "arguments": piece.arguments}
    return {"index": piece.index, "id": piece.id, "type": "function", "function": function}


def _frame(model: str, kind: str) -> dict[str, Any]:
    """What every object of an answer has."""
    identity = f"chatcmpl-{uuid.uuid4().hex}"
    return {"id": identity, "object": kind, "created": int(time.time()), "model": model}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
