"""The other provider of the chat model: any OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from openai import APIStatusError, DefaultAsyncHttpxClient, OpenAIError, Timeout
from pydantic import SecretStr

from assistant.chat.failures import SERVER_ERRORS, Failure, failure_of
from assistant.errors import ProviderError
from assistant.routing.places import hosts_beyond
from assistant.settings import ModelSettings

_log = logging.getLogger(__name__)

OnSent = Callable[[str], None]
"""Gets the host that a conversation was sent to."""

# How long the server may be silent, and how long it may take to be reached at all.
_TIMEOUT = Timeout(120.0, connect=5.0)
LOOK_TIMEOUT_S = 5.0
# What a proxy says whose server is gone, and a server that is not ready.
_GONE = (502, 503, 504)
# What reading a piece that is no chat completion ends in: the client checks none of them.
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def nobody(_: str) -> None:
    """An `OnSent` that tells nobody."""


class RemoteChatModel(ChatOpenAI):
    """Chat on an OpenAI-compatible server, over connections of its own.

    Every message goes through `redact` at the last moment: what leaves the machine has no secrets,
    whatever was forgotten before.
    """

    redact: Callable[[str], str] = str

    @property
    def host(self) -> str:
        """The server's host."""
        return urlsplit(str(self.root_async_client.base_url)).hostname or ""

    async def look(self, timeout_s: float = LOOK_TIMEOUT_S) -> Failure | None:
        """Whether the server can be reached, by its list of models; None when it can.

        A server that refuses that, or has no such list, may answer all the same: a request finds
        out.
        """
        client = self.root_async_client.with_options(max_retries=0)
        try:
            async with asyncio.timeout(timeout_s):
                await client.models.with_raw_response.list()
        except APIStatusError as error:
            return (
                Failure("unreachable", failure_of(error).reason)
                if error.status_code in _GONE
                else None
            )
        except SERVER_ERRORS as error:
            return Failure("unreachable", failure_of(error).reason)
        return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self.root_async_client.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        on_sent: OnSent = nobody,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        """See the base class; `on_sent` is told of the server if it was reached.

        Raises ProviderError when the stream ends before the answer does, or is none.
        """
        messages = [redacted(message, self.redact) for message in messages]
        is_whole = False
        with _telling(on_sent, self.host), _unreadable_is_a_provider_error():
            async for chunk in super()._astream(messages, stop, run_manager, **kwargs):
                is_whole = is_whole or "finish_reason" in (chunk.generation_info or {})
                yield chunk
        if not is_whole:
            raise ProviderError(
                "what the model server sent is no whole answer",
                "try again; check that base_url is a chat server's, ending in /v1",
            )


@contextmanager
def _telling(on_sent: OnSent, host: str) -> Iterator[None]:
    """Tell of `host` in the end, unless no connection to it could be made."""
    is_unreachable = False
    try:
        yield
    except OpenAIError as error:
        is_unreachable = failure_of(error).kind == "unreachable"
        raise
    finally:
        if not is_unreachable:
            on_sent(host)


@contextmanager
def _unreadable_is_a_provider_error() -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        _log.warning("a model server's answer could not be read", exc_info=True)
        raise ProviderError(
            f"what the model server sent is no chat completion: {type(error).__name__}",
            "check that base_url is a chat server's, ending in /v1",
        ) from error


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


def open_remote_model(
    settings: ModelSettings, redact: Callable[[str], str], *, section: str = "model"
) -> RemoteChatModel:
    """A client for the OpenAI-compatible server of `settings`, or for its several servers.

    `section` is where the settings stand, for errors. Raises ProviderError when some are missing.
    """
    urls = settings.base_urls
    if not urls:
        raise ProviderError(
            f"[{section}] provider is openai and base_url is not set",
            f"set [{section}] base_url to the server's address, ending in /v1",
        )
    options = _options(settings, redact, _api_key(settings.api_key_env, section))
    if len(urls) == 1:
        return RemoteChatModel(base_url=urls[0], **options)
    # It builds on this module.
    from assistant.chat.pool import open_pool

    return open_pool(urls, options)


def _options(settings: ModelSettings, redact: Callable[[str], str], key: str) -> dict[str, Any]:
    """What the client is told of everything but the address."""
    return {
        "model": settings.name,
        "api_key": SecretStr(key),
        "temperature": settings.temperature,
        "max_completion_tokens": settings.max_answer_tokens,
        "timeout": _TIMEOUT,
        "redact": redact,
        # Whole answers are streamed too: one way to fail, and closing one ends the server's work.
        "streaming": True,
        "stream_usage": True,
        # The default one is shared by the whole process and never closed. What is sent goes where
        # the settings say: a redirect is an error, and this machine is not asked through a proxy.
        "http_async_client": DefaultAsyncHttpxClient(
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=bool(hosts_beyond(settings.base_urls)),
        ),
    }


def _api_key(variable: str, section: str) -> str:
    if not variable:
        # The client insists on a key; servers that want none ignore it.
        return "none"
    key = os.environ.get(variable, "")
    if not key:
        raise ProviderError(
            f"[{section}] api_key_env names ${variable}, which is not set", f"export {variable}=…"
        )
    return key
