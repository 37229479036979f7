"""The part of an answer that nobody has seen yet: until it ends, another server may be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk


async def beginning(stream: AsyncIterator[ChatGenerationChunk]) -> list[ChatGenerationChunk]:
    """The pieces up to and with the first that shows anything: text, or a call.

    All of them, when none does. Raises as the stream does.
    """
    held = []
    async for chunk in stream:
        held.append(chunk)
        if _shows_anything(chunk):
            break
    return held


def _shows_anything(chunk: ChatGenerationChunk) -> bool:
    message = chunk.message
    has_call = isinstance(message, AIMessageChunk) and bool(message.tool_call_chunks)
    return bool(message.content) or has_call
