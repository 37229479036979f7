"""The other provider of the chat model: any OpenAI-compatible server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from openai import DefaultAsyncHttpxClient, Timeout
from pydantic import SecretStr

from assistant.errors import ProviderError
from assistant.settings import ModelSettings

# How long the server may be silent, and how long it may take to be reached at all.
_TIMEOUT = Timeout(120.0, connect=5.0)


class RemoteChatModel(ChatOpenAI):
    """Chat on an OpenAI-compatible server, over connections of its own.

    Every message goes through `redact` at the last moment: what leaves the machine has no secrets,
    whatever was forgotten before.
    """

    redact: Callable[[str], str] = str

    async def aclose(self) -> None:
        """Close the connections."""
        await self.root_async_client.close()

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        """See the base class. Raises ProviderError when the stream ends before the answer does."""
        messages = [redacted(message, self.redact) for message in messages]
        is_whole = False
        async for chunk in super()._astream(messages, *args, **kwargs):
            is_whole = is_whole or "finish_reason" in (chunk.generation_info or {})
            yield chunk
        if not is_whole:
            raise ProviderError(
                "what the model server sent is no whole answer",
                "try again; check that [model] base_url is a chat server's, ending in /v1",
            )


def redacted(message: BaseMessage, redact: Callable[[str], str]) -> BaseMessage:
    """The message with every text in it gone through `redact`: content, calls, their arguments."""
    told: dict[str, Any] = {"content": _each_text(message.content, redact)}
    if isinstance(message, AIMessage) and message.tool_calls:
        told["tool_calls"] = _each_text(message.tool_calls, redact)
    if message.additional_kwargs:
        told["additional_kwargs"] = _each_text(message.additional_kwargs, redact)
    return message.model_copy(update=told)


def _each_text(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_each_text(item, redact) for item in value]
    if isinstance(value, dict):
        return {key: _each_text(item, redact) for key, item in value.items()}
    return value


def open_remote_model(settings: ModelSettings, redact: Callable[[str], str]) -> RemoteChatModel:
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
        redact=redact,
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
