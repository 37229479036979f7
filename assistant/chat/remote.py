"""The other provider of the chat model: any OpenAI-compatible server."""

from __future__ import annotations

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from assistant.errors import ProviderError
from assistant.settings import ModelSettings

_REQUEST_TIMEOUT_S = 120.0


def open_remote_model(settings: ModelSettings) -> BaseChatModel:
    """A client for an OpenAI-compatible server. Raises ProviderError when settings are missing."""
    if not settings.base_url:
        raise ProviderError(
            "[model] provider is openai and base_url is not set",
            "set [model] base_url to the server's address, ending in /v1",
        )
    return ChatOpenAI(
        model=settings.name,
        base_url=settings.base_url,
        api_key=SecretStr(_api_key(settings.api_key_env)),
        temperature=settings.temperature,
        max_completion_tokens=settings.max_answer_tokens,
        timeout=_REQUEST_TIMEOUT_S,
        stream_usage=True,
    )


def _api_key(variable: str) -> str:
    if not variable:
        # The client insists on a key; servers that want none ignore it.
        return "none"
    try:
        return os.environ[variable]
    except KeyError as error:
        raise ProviderError(
            f"[model] api_key_env names ${variable}, which is not set", f"export {variable}=…"
        ) from error
