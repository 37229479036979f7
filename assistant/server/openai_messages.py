"""The messages of a chat completion request, and each as a turn.

The model reads text alone: pictures, sound and files are refused by their place. `name`, which
tells several speakers of one role apart, is in no chat template and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field

from assistant.chat.completion import Turn, TurnCall
from assistant.server.openai_errors import RequestInvalid

ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:-]{1,64}$")]


class Part(BaseModel):
    """What a request is made of: of the exact types, and nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextPart(Part):
    """A piece of a message's content; text is all that the models here read."""

    type: Literal["text"]
    text: str


Content = str | list[TextPart]


class SystemMessage(Part):
    """What the model is told to be and do."""

    role: Literal["system", "developer"]
    content: Content
    name: str | None = None

    def turn(self, place: str) -> Turn:
        """The message as a turn; `place` names it in errors."""
        return Turn("system", _text(self.content))


class UserMessage(Part):
    """What a person or a program says."""

    role: Literal["user"]
    content: Content
    name: str | None = None

    def turn(self, place: str) -> Turn:
        """See `SystemMessage.turn`."""
        return Turn("user", _text(self.content))


class CalledFunction(Part):
    """Which function was called; `arguments` is the text of a JSON object."""

    name: ToolName
    arguments: str


class ToolCall(Part):
    """A call that the assistant made. `index` is of streamed pieces, and often sent back."""

    id: Annotated[str, Field(min_length=1)]
    type: Literal["function"] = "function"
    function: CalledFunction
    index: int | None = None


class AssistantMessage(Part):
    """An earlier answer."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None
    name: str | None = None
    # Null in the answers of many servers, which clients send back as they are.
    audio: None = None
    function_call: None = None
    annotations: list[Any] | None = None

    def turn(self, place: str) -> Turn:
        """See `SystemMessage.turn`. Raises RequestInvalid when a call has no usable arguments."""
        calls = tuple(
            TurnCall(call.id, call.function.name, _arguments(call, f"{place}.tool_calls[{index}]"))
            for index, call in enumerate(self.tool_calls or ())
        )
        return Turn("assistant", _text(self.content or self.refusal or ""), calls)


class ToolMessage(Part):
    """What a called tool returned."""

    role: Literal["tool"]
    content: Content
    tool_call_id: Annotated[str, Field(min_length=1)]
    name: str | None = None

    def turn(self, place: str) -> Turn:
        """See `SystemMessage.turn`."""
        return Turn("tool", _text(self.content), call_id=self.tool_call_id)


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


def _text(content: Content) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _arguments(call: ToolCall, place: str) -> Mapping[str, Any]:
    """The arguments as an object; models write nothing at all for a tool without any."""
    text = call.function.arguments.strip() or "{}"
    try:
        # Unlike the standard library's, this parser bounds the nesting.
        value = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        param = f"{place}.function.arguments"
        raise RequestInvalid(param, f"{param} is not the text of a JSON object")
    return value
