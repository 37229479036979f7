"""A chat completion as other programs ask for one: the request, and what comes of it.

Neutral between the wire, which `assistant.server` speaks, and the models, which
`assistant.chat.completing` asks; imports neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from assistant.engine.errors import RequestRefused
from assistant.engine.interface import Priority, TextDelta, Usage

Role = Literal["system", "user", "assistant", "tool"]
ToolMode = Literal["auto", "required", "none"]
Reason = Literal["stop", "length", "tool_calls", "content_filter"]


class FieldRefused(RequestRefused):
    """A field of the request, `param`, holds what the model cannot be asked for."""

    def __init__(self, param: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.param = param


@dataclass(frozen=True, slots=True)
class TurnCall:
    """A tool call that the assistant made in an earlier turn."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: `calls` are of the assistant, `call_id` says which call a tool answers."""

    role: Role
    text: str
    calls: tuple[TurnCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class CompletionSampling:
    """How tokens are drawn; None is the model's own default, for the seed a random one."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None

    def given(self) -> dict[str, float | int]:
        """The values that were given, by name."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The next turn of a conversation, as asked for.

    `tools` are in OpenAI's form. With `tool_name`, which needs the mode "required", only that one
    may be called; the others stay in the prompt, whose cached prefix so stays the same.
    `answer_format` is OpenAI's `response_format` (json_object or json_schema), None for text.
    `max_tokens` None means up to the end of the context.
    """

    turns: Sequence[Turn]
    tools: Sequence[Mapping[str, Any]] = ()
    tool_mode: ToolMode = "auto"
    tool_name: str | None = None
    answer_format: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: CompletionSampling = field(default_factory=CompletionSampling)
    priority: Priority = Priority.CHAT


@dataclass(frozen=True, slots=True)
class CallDelta:
    """More of the tool call number `index`: `arguments` is JSON text, or the next piece of it.

    `id` and `name` are set in the first piece of a call.
    """

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The last event of a completion that did not fail."""

    reason: Reason
    usage: Usage


CompletionEvent = TextDelta | CallDelta | Completed
