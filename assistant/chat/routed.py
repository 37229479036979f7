"""`RoutedChatModel`: the server that was chosen for a turn, within its budget, and what stands in.

As in a pool, nothing that was shown is begun again: the other model takes over before the first
piece of an answer, or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import agenerate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from assistant.chat.beginning import beginning
from assistant.chat.failures import SERVER_ERRORS
from assistant.chat.remote import RemoteChatModel
from assistant.chat.template import Tool, text_of
from assistant.problems import describe
from assistant.routing.allowance import Allowance
from assistant.routing.route import Route

StandIn = Callable[[], Awaitable[BaseChatModel]]
"""The model that answers where the chosen one does not."""

# Where a server does not say what it counted: about what English text takes.
_CHARS_PER_TOKEN = 4


class _GivenUp(Exception):
    """The chosen model is not asked, or did not answer; nothing was shown."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a generation is asked for."""

    messages: list[BaseMessage]
    stop: list[str] | None
    tools: Sequence[Tool]
    tool_choice: str
    options: Mapping[str, Any]

    def of(
        self, model: BaseChatModel, run_manager: AsyncCallbackManagerForLLMRun | None, route: Route
    ) -> AsyncGenerator[ChatGenerationChunk]:
        """Ask `model`; the route learns where that went."""
        options = dict(self.options)
        if self.tools:
            # Each model has words of its own for what it must do with its tools.
            tools = [dict(tool) for tool in self.tools]
            bound = cast(Any, model.bind_tools(tools, tool_choice=self.tool_choice))
            options |= bound.kwargs
        if isinstance(model, RemoteChatModel):
            options["on_sent"] = route.note_sent
        stream = model._astream(self.messages, self.stop, run_manager, **options)
        return cast("AsyncGenerator[ChatGenerationChunk]", stream)


class _Count:
    """The tokens of a generation: what the server says, or a guess where it says nothing."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        self._prompt_chars = sum(len(text_of(message)) for message in messages)
        self._answer_chars = 0
        self._said: tuple[int, int] | None = None

    def add(self, chunk: ChatGenerationChunk) -> None:
        """Count another piece."""
        self._answer_chars += len(text_of(chunk.message))
        usage = chunk.message.usage_metadata if isinstance(chunk.message, AIMessageChunk) else None
        if usage is not None:
            before = self._said or (0, 0)
            self._said = (before[0] + usage["input_tokens"], before[1] + usage["output_tokens"])

    @property
    def tokens(self) -> tuple[int, int]:
        """Those of the prompt and of the answer."""
        guess = (self._prompt_chars // _CHARS_PER_TOKEN, self._answer_chars // _CHARS_PER_TOKEN)
        return self._said or guess


class RoutedChatModel(BaseChatModel):
    """A turn's chat model: `chosen`, or `stand_in` where that has no budget or does not answer.

    Once it was given up, the stand-in answers for the rest of the turn. Without a stand-in the
    chosen model's errors are raised.
    """

    chosen: Any
    """A `RemoteChatModel`; closed by whoever opened it."""
    route: Any
    """The turn's `Route`, which learns what happened."""
    allowance: Any = None
    """The `Allowance` of the chosen model; None: it may be asked for anything."""
    stand_in: Any = None
    """A `StandIn`; None: there is none."""

    @property
    def _llm_type(self) -> str:
        return "midwatch-routed"

    @property
    def model_name(self) -> str:
        """The model that answers, as far as is known."""
        route: Route = self.route
        return route.model

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """See `LocalChatModel.bind_tools`."""
        definitions = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=definitions, tool_choice=tool_choice or "auto", **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        asked = _Asked(messages, stop, tools, tool_choice, kwargs)
        try:
            async with aclosing(self._from_chosen(asked)) as chunks:
                async for chunk in chunks:
                    if run_manager:
                        await run_manager.on_llm_new_token(text_of(chunk.message), chunk=chunk)
                    yield chunk
        except _GivenUp as given_up:
            self.route.fall_back(str(given_up))
        else:
            return
        stand_in = await self.stand_in()
        async with aclosing(asked.of(stand_in, run_manager, self.route)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _from_chosen(self, asked: _Asked) -> AsyncGenerator[ChatGenerationChunk]:
        """What the chosen model says. Raises _GivenUp before the first piece."""
        route: Route = self.route
        if route.failure:
            raise _GivenUp(route.failure)
        allowance: Allowance | None = self.allowance
        if allowance is not None and (objection := await allowance.take()):
            raise _GivenUp(objection)
        async with aclosing(asked.of(self.chosen, None, route)) as stream:
            begun = await self._beginning(stream)
            count = _Count(asked.messages)
            try:
                for chunk in begun:
                    count.add(chunk)
                    yield chunk
                async for chunk in stream:
                    count.add(chunk)
                    yield chunk
            finally:
                if allowance is not None:
                    await allowance.spend(*count.tokens)

    async def _beginning(
        self, stream: AsyncGenerator[ChatGenerationChunk]
    ) -> list[ChatGenerationChunk]:
        try:
            return await beginning(stream)
        except SERVER_ERRORS as error:
            if self.stand_in is None:
                raise
            raise _GivenUp(describe(error).message) from error

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("its connections belong to an event loop: use ainvoke or astream")
