"""`LocalChatModel`: a LangChain chat model on the engine."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import Any, Literal

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.outputs.chat_generation import ChatGeneration
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict

from assistant.chat.template import ChatTemplate, Tool
from assistant.chat.tool_calls import (
    OPENING,
    Call,
    CallReader,
    forced_call_grammar,
    optional_call_grammar,
    text_grammar,
)
from assistant.engine.interface import (
    Engine,
    Finished,
    GenerateRequest,
    Priority,
    Sampling,
    Segment,
    TextDelta,
)
from assistant.errors import ModelError

ToolChoice = Literal["auto", "any", "none"]


class LocalChatModel(BaseChatModel):
    """Chat on a local GGUF model, driven by the model's own template.

    `bind_tools(tools, tool_choice=…)`: "auto" lets the model call or answer, "any" makes it call
    exactly one tool, "none" keeps the tools in the prompt (so that the cached prefix stays the
    same) and makes it answer; a call that it writes all the same is dropped. A call is well formed
    by construction, whatever the model would like to write.

    Usage is in `usage_metadata`, with cached tokens as `cache_read`; `response_metadata` has
    `ttft_s`, `total_s` and `finish_reason`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Any
    """The `Engine`; shared, and closed by whoever opened it."""
    max_tokens: int = 400
    temperature: float = 0.0
    seed: int = 0
    priority: Priority = Priority.CHAT
    """The class of its requests in the engine's queue."""

    @property
    def _llm_type(self) -> str:
        return "midwatch-local"

    @property
    def _engine(self) -> Engine:
        engine: Engine = self.engine
        return engine

    @cached_property
    def template(self) -> ChatTemplate:
        """The model's chat template."""
        return ChatTemplate(self._engine.info)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """See the class. Raises ValueError on a tool choice that it does not know."""
        choice = tool_choice or "auto"
        if choice == "required":
            choice = "any"
        if choice not in ("auto", "any", "none"):
            raise ValueError(f"tool_choice {choice!r} is not one of auto, any, none")
        definitions = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=definitions, tool_choice=choice, **kwargs)

    def prompt(self, messages: Sequence[BaseMessage], tools: Sequence[Tool] = ()) -> list[Segment]:
        """The prompt for the model's next turn: a pure function of messages and tools."""
        return self.template.render(messages, tools)

    def fits(self, messages: Sequence[BaseMessage], tools: Sequence[Tool] = ()) -> bool:
        """Whether that prompt leaves room for an answer in the context."""
        num_prompt = self._engine.count_tokens(self.prompt(messages, tools))
        return num_prompt + self.max_tokens <= self._engine.info.context_tokens

    def call_grammar(self, tools: Sequence[Tool]) -> str:
        """The grammar of one call of one of `tools`, to narrow a choice further than the prompt."""
        return forced_call_grammar(self._engine, tools)

    def stable_prefix(self, system: str, tools: Sequence[Tool]) -> list[Segment]:
        """What the prompts of all conversations have in common: up to the user's first word."""
        one, other = (
            self.prompt([SystemMessage(system), HumanMessage(text)], tools) for text in "ab"
        )
        pairs = zip(one, other, strict=True)
        return [
            segment for segment, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
        ]

    async def warm(self, system: str, tools: Sequence[Tool]) -> None:
        """Keep that prefix in the cache, so that no conversation has to compute it."""
        await self._engine.warm(self.stable_prefix(system, tools))

    async def aclose(self) -> None:
        """Close the engine."""
        await self._engine.aclose()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[Tool] = (),
        tool_choice: ToolChoice = "auto",
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop or (), tools, tool_choice, **kwargs)
        reader = CallReader(tools)
        if tool_choice == "any":
            reader.push(OPENING)
        async with aclosing(self._engine.generate(request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        if shown := reader.push(text):
                            chunk = ChatGenerationChunk(message=AIMessageChunk(content=shown))
                            if run_manager:
                                await run_manager.on_llm_new_token(shown, chunk=chunk)
                            yield chunk
                    case Finished():
                        text, call = reader.finish()
                        if tool_choice == "any" and call is None:
                            raise ModelError(
                                f"the model did not complete a tool call in {request.max_tokens} "
                                "tokens"
                            )
                        yield self._last_chunk(text, call if tool_choice != "none" else None, event)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessageChunk(content="")
        async for chunk in self._astream(messages, stop, run_manager, **kwargs):
            message = message + chunk.message  # type: ignore[assignment]
        whole = AIMessage(
            content=message.content,
            tool_calls=message.tool_calls,
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=whole)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return asyncio.run(self._agenerate(messages, stop, None, **kwargs))

    def _request(
        self,
        messages: Sequence[BaseMessage],
        stop: Sequence[str],
        tools: Sequence[Tool],
        tool_choice: ToolChoice,
        *,
        max_tokens: int | None = None,
        grammar: str | None = None,
        deadline_s: float | None = None,
    ) -> GenerateRequest:
        prompt = self.prompt(messages, tools)
        if tools and tool_choice == "any" and self.template.has_call_tags:
            prompt = [*prompt, Segment(OPENING, is_template=True)]
        return GenerateRequest(
            prompt=prompt,
            max_tokens=max_tokens or self.max_tokens,
            stop=tuple(stop),
            grammar=grammar or self._grammar(tools, tool_choice),
            sampling=Sampling(temperature=self.temperature, seed=self.seed),
            priority=self.priority,
            deadline_s=deadline_s,
        )

    def _grammar(self, tools: Sequence[Tool], tool_choice: ToolChoice) -> str | None:
        if not tools:
            return None
        match tool_choice:
            case "any":
                return forced_call_grammar(self._engine, tools)
            case "auto":
                has_tags = self.template.has_call_tags
                return optional_call_grammar(self._engine, tools, has_tags=has_tags)
            case "none":
                return text_grammar()

    def _last_chunk(self, text: str, call: Call | None, finished: Finished) -> ChatGenerationChunk:
        usage = finished.usage
        message = AIMessageChunk(
            content=text,
            tool_call_chunks=[] if call is None else [_call_chunk(call)],
            usage_metadata=UsageMetadata(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                total_tokens=usage.prompt_tokens + usage.completion_tokens,
                input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
            ),
            response_metadata={
                "model_name": self._engine.info.name,
                "finish_reason": finished.reason,
                "ttft_s": usage.ttft_s,
                "total_s": usage.total_s,
            },
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)


def _call_chunk(call: Call) -> Any:
    return tool_call_chunk(
        name=call.name,
        args=json.dumps(call.arguments, ensure_ascii=False),
        id=f"call_{uuid.uuid4().hex[:12]}",
        index=0,
    )
