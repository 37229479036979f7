"""A GGUF's own chat template, rendered to segments.

The template is a Jinja program that pastes message texts between control tokens. To keep the two
apart it never sees the texts: each one is replaced by a mark, and the rendered string is cut at the
marks afterwards. What the template wrote becomes template segments, what the marks stand for
becomes plain ones, so that `<|im_start|>system` in a log line stays seventeen characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from assistant.engine.interface import ModelInfo, Segment
from assistant.errors import ModelError

# Private-use characters: `tojson` writes them as they are, and no template contains them.
_MARK = re.compile("\ue000(\\d+)\ue001")

Tool = Mapping[str, Any]
"""A tool in OpenAI's form: {"type": "function", "function": {name, description, parameters}}."""


@dataclass(slots=True)
class _Texts:
    """The message texts that marks stand for, in the order of their marks."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """A mark for `text`. Empty text stays empty: templates ask whether there is any."""
        if not text:
            return ""
        self.texts.append(text)
        return f"\ue000{len(self.texts) - 1}\ue001"

    def mark_json(self, value: Any) -> Any:
        """`value` with a mark for each string, which stands inside quotation marks already."""
        if isinstance(value, str):
            return self.mark(json.dumps(value, ensure_ascii=False)[1:-1])
        if isinstance(value, Mapping):
            return {self.mark_json(key): self.mark_json(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mark_json(item) for item in value]
        return value

    def cut(self, rendered: str) -> list[Segment]:
        """`rendered` as segments, with each mark replaced by what it stands for."""
        segments = []
        for index, part in enumerate(_MARK.split(rendered)):
            is_template = index % 2 == 0
            text = part if is_template else self.texts[int(part)]
            if text:
                segments.append(Segment(text, is_template))
        return segments


class ChatTemplate:
    """Renders conversations for one model. Raises ModelError when its template cannot be used."""

    def __init__(self, info: ModelInfo) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
        environment.globals["raise_exception"] = _raise_exception
        self._info = info
        try:
            self._template = environment.from_string(info.chat_template)
        except TemplateError as error:
            raise ModelError(f"the chat template of {info.name} is not valid: {error}") from error
        self.knows_tools = "tools" in info.chat_template
        self.has_call_tags = "<tool_call>" in info.chat_template

    def render(self, messages: Sequence[BaseMessage], tools: Sequence[Tool]) -> list[Segment]:
        """The prompt for the model's next turn: a pure function of its arguments.

        Raises ValueError when a tool's definition spells a control token, and ModelError when the
        template refuses the conversation.
        """
        for tool in tools:
            self._refuse_control_tokens(tool)
        texts = _Texts()
        turns = [_turn(message, texts) for message in messages]
        if not self.knows_tools:
            turns = [_without_tool_roles(turn) for turn in turns]
        try:
            rendered = self._template.render(
                messages=turns,
                tools=list(tools) if tools and self.knows_tools else None,
                add_generation_prompt=True,
                bos_token=self._info.bos_text,
                eos_token=self._info.eos_text,
            )
        except TemplateError as error:
            raise ModelError(
                f"the chat template of {self._info.name} refused the conversation: {error}"
            ) from error
        return texts.cut(rendered)

    def _refuse_control_tokens(self, tool: Tool) -> None:
        """Tool definitions are pasted by the template itself, so they must be harmless."""
        definition = json.dumps(tool, ensure_ascii=False)
        spelled = [text for text in self._info.special_texts if text in definition]
        if spelled:
            name = tool.get("function", {}).get("name", "?")
            raise ValueError(f"the definition of tool {name!r} contains {spelled[0]!r}")


def _turn(message: BaseMessage, texts: _Texts) -> dict[str, Any]:
    content = texts.mark(text_of(message))
    match message:
        case SystemMessage():
            return {"role": "system", "content": content}
        case HumanMessage():
            return {"role": "user", "content": content}
        case ToolMessage():
            return {"role": "tool", "content": content, "tool_call_id": message.tool_call_id}
        case AIMessage() if message.tool_calls:
            return {"role": "assistant", "content": content, "tool_calls": _calls(message, texts)}
        case AIMessage():
            return {"role": "assistant", "content": content}
    raise ValueError(f"a {message.type} message has no place in a conversation")


def _calls(message: AIMessage, texts: _Texts) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "id": call["id"],
            "function": {
                "name": texts.mark_json(call["name"]),
                "arguments": texts.mark_json(call["args"]),
            },
        }
        for call in message.tool_calls
    ]


def _without_tool_roles(turn: dict[str, Any]) -> dict[str, Any]:
    """The turn for a template that knows neither tool calls nor tool results."""
    if turn["role"] == "tool":
        return {"role": "user", "content": turn["content"]}
    if "tool_calls" in turn:
        calls = [json.dumps(c["function"], ensure_ascii=False) for c in turn["tool_calls"]]
        return {"role": "assistant", "content": "\n".join([turn["content"], *calls]).strip()}
    return turn


def text_of(message: BaseMessage) -> str:
    """The text of a message whose content may be a list of parts."""
    if isinstance(message.content, str):
        return message.content
    parts = [part if isinstance(part, str) else part.get("text", "") for part in message.content]
    return "".join(parts)


def _raise_exception(message: str) -> None:
    raise TemplateError(message)
