"""The other provider of the chat model: any OpenAI-compatible server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from openai import DefaultAsyncHttpxClient, Timeout
from pydantic import SecretStr

from assistant.errors import ProviderError
from assistant.settings import ModelSettings

# How long the server may be silent, and how long it may take to be reached at all.
_TIMEOUT = Timeout(120.0, connect=5.0)


class RemoteChatModel(ChatOpenAI):
    """Chat on an OpenAI-compatible server, over connections of its own."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self.root_async_client.close()

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        """See the base class. Raises ProviderError when the stream ends before the answer does."""
        is_whole = False
        async for chunk in super()._astream(*args, **kwargs):
            is_whole = is_whole or "finish_reason" in (chunk.generation_info or {})
            yield chunk
        if not is_whole:
            raise ProviderError(
                "what the model server sent is no whole answer",
                "try again; check that [model] base_url is a chat server's, ending in /v1",
            )


def open_remote_model(settings: ModelSettings) -> RemoteChatModel:
    """A client for an OpenAI-compatible server. Raises ProviderError when settings are missing."""
    if not settings.base_url:
        raise ProviderError(
            "[model] provider is openai and base_url is not set",
            "set [model] base_url to the server's address, ending in /v1",
        )
    return RemoteChatModel(
        model=settings.name,
        base_url=settings.base_url,
        api_key=SecretStr(_api_key(settings.api_key_env)),
        temperature=settings.temperature,
        max_completion_tokens=settings.max_answer_tokens,
        timeout=_TIMEOUT,
        # Whole answers are streamed too: one way to fail, and closing one ends the server's work.
        streaming=True,
        stream_usage=True,
        # The default one is shared by the whole process and never closed.
        http_async_client=DefaultAsyncHttpxClient(timeout=_TIMEOUT),
    )


def _api_key(variable: str) -> str:
    if not variable:
        # The client insists on a key; servers that want none ignore it.
        return "none"
    key = os.environ.get(variable, "")
    if not key:
        raise ProviderError(
            f"[model] api_key_env names ${variable}, which is not set", f"export {variable}=…"
        )
    return key
