"""`complete`: a completion from whichever chat model is configured."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from langchain_core.language_models import BaseChatModel

from assistant.chat.completion import CompletionEvent, CompletionRequest
from assistant.chat.local import LocalChatModel
from assistant.chat.local_completion import complete_locally
from assistant.chat.remote_completion import complete_remotely


async def complete(
    model: BaseChatModel, request: CompletionRequest
) -> AsyncGenerator[CompletionEvent]:
    """What the model writes, as it is written, then one `Completed`.

    Closing the iterator ends the work. Raises as the model does: RequestRefused and the other
    errors of the engine, ModelError, ProviderError and those of the OpenAI client.
    """
    if isinstance(model, LocalChatModel):
        events = complete_locally(model, request)
    else:
        events = complete_remotely(model, request)
    async with aclosing(events):
        async for event in events:
            yield event
