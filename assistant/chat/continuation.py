"""A turn whose beginning is given: the model goes on from there, and stops where it is told.

Code comes out alone this way: the assistant's turn begins inside a fence, and ends where that
closes. The chat interface of a server takes no beginning: there the model writes its whole turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from assistant.chat.local import LocalChatModel
from assistant.chat.template import text_of
from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    Sampling,
    Segment,
    TextDelta,
    Usage,
)
from assistant.errors import ModelError

Role = Literal["system", "user", "assistant"]
ChatModel = BaseChatModel
"""The chat model of whichever provider."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Continuation:
    """How the next turn is to be written: from `beginning` on, up to one of `stop`.

    `grammar` (GBNF) binds what follows the beginning. It and `stop` are for a local model; a server
    gets the conversation alone.
    """

    beginning: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    grammar: str | None = None


@dataclass(frozen=True, slots=True)
class WriteCost:
    """What a turn cost, in tokens and seconds; `ttft_s` and `total_s` are 0 where nobody said."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    ttft_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """A turn with its beginning; `is_whole` unless the limit of tokens cut it short."""

    text: str
    is_whole: bool
    cost: WriteCost = field(default_factory=WriteCost)


OnText = Callable[[str], None]
"""Gets each new piece of text; may raise `Enough`."""


class Enough(Exception):
    """Raised by whoever watches the text, to end the turn where it is."""


async def continue_turn(
    model: ChatModel,
    conversation: Sequence[Said],
    wanted: Continuation,
    on_text: OnText = lambda _: None,
) -> Written:
    """The assistant's next turn of `conversation`. Raises as the model does (EngineError, …)."""
    messages = [_message(said) for said in conversation]
    if isinstance(model, LocalChatModel):
        return await _continue_locally(model, messages, wanted, on_text)
    return await _ask_server(model, messages, wanted, on_text)


def model_name(model: ChatModel) -> str:
    """The model's own name."""
    if isinstance(model, LocalChatModel):
        return str(model.engine.info.name)
    return str(getattr(model, "model_name", ""))


async def _continue_locally(
    model: LocalChatModel, messages: list[BaseMessage], wanted: Continuation, on_text: OnText
) -> Written:
    request = _request(model, messages, wanted)
    text = [wanted.beginning]
    written: Written | None = None
    async with aclosing(model.engine.generate(request)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    text.append(event.text)
                    try:
                        on_text(event.text)
                    except Enough:
                        num_prompt = model.engine.count_tokens(request.prompt)
                        # Nearly every piece is one token.
                        cost = WriteCost(num_prompt, completion_tokens=len(text) - 1)
                        return Written("".join(text), is_whole=False, cost=cost)
                case Finished():
                    written = Written("".join(text), event.reason == "stop", _cost(event.usage))
    if written is None:
        raise ModelError("the model ended without saying so")
    return written


def _request(
    model: LocalChatModel, messages: list[BaseMessage], wanted: Continuation
) -> GenerateRequest:
    return GenerateRequest(
        # What the turn begins with is text like any other: nothing in it is a special token.
        prompt=[*model.prompt(messages), Segment(wanted.beginning)],
        max_tokens=wanted.max_tokens,
        stop=wanted.stop,
        grammar=wanted.grammar,
        sampling=Sampling(temperature=model.temperature, seed=model.seed),
        priority=model.priority,
    )


def _cost(usage: Usage) -> WriteCost:
    return WriteCost(
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        usage.ttft_s,
        usage.total_s,
    )


async def _ask_server(
    model: ChatModel, messages: list[BaseMessage], wanted: Continuation, on_text: OnText
) -> Written:
    options: dict[str, Any] = {"max_tokens": wanted.max_tokens}
    answer = await model.ainvoke(messages, **options)
    text = text_of(answer)
    is_whole = answer.response_metadata.get("finish_reason") != "length"
    try:
        on_text(text)
    except Enough:
        is_whole = False
    usage = answer.usage_metadata
    cost = WriteCost()
    if usage is not None:
        cached = usage.get("input_token_details", {}).get("cache_read", 0)
        cost = WriteCost(usage["input_tokens"], cached, usage["output_tokens"])
    return Written(text, is_whole, cost)


def _message(said: Said) -> BaseMessage:
    match said.role:
        case "system":
            return SystemMessage(said.text)
        case "user":
            return HumanMessage(said.text)
        case "assistant":
            return AIMessage(said.text)
