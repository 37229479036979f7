"""Tool calls as text: the grammar that makes them well formed, and reading them back.

Small models write calls in dialects of their own (a fenced JSON block instead of the template's
tags). The grammar leaves them one form; `CallReader` still understands the others, because a
grammar cannot stop a model from changing its mind in the middle of a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from assistant.chat.template import Tool
from assistant.engine.interface import Engine

OPENING = "<tool_call>\n"
CLOSING = "\n</tool_call>"

# An unbounded string can run into the token limit, and half a call is no call.
_MAX_STRING_CHARS = 160
_MAX_MARKER_CHARS = 24
_MARKER = re.compile(r'<tool_call>|```(?:json)?\s*\{\s*"name"|\{\s*"name"\s*:')
_MARKER_START = re.compile(r"[<`{]")
# Text that may not begin as a call or as a block of JSON does.
_TEXT_RULES = r"""
text ::= [^<{`\x00] any*
any ::= [^\x00]
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a bound tool, as the model wrote it."""

    name: str
    arguments: Mapping[str, Any]


def forced_call_grammar(engine: Engine, tools: Sequence[Tool]) -> str:
    """GBNF for exactly one call of one of `tools`, without its tags. Raises InvalidGrammar."""
    return engine.grammar_of({"oneOf": [_call_schema(tool) for tool in tools]})


def optional_call_grammar(engine: Engine, tools: Sequence[Tool], *, has_tags: bool) -> str:
    """GBNF for one call of one of `tools`, or text that does not begin like one."""
    call = re.sub(r"^root ::=", "call ::=", forced_call_grammar(engine, tools), flags=re.MULTILINE)
    opening, closing = (json.dumps(OPENING), json.dumps(CLOSING)) if has_tags else ('""', '""')
    return f"root ::= {opening} call {closing} | text\n{call}\n{_TEXT_RULES}"


def text_grammar() -> str:
    """GBNF for text that does not begin like a call."""
    return f"root ::= text\n{_TEXT_RULES}"


class CallReader:
    """Splits generated text into what a person may see and the call that is not for their eyes."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._schemas = {tool["function"]["name"]: _parameters(tool) for tool in tools}
        self._held = ""
        self._is_call = False

    def push(self, text: str) -> str:
        """The part of the text so far that is certainly not the beginning of a call."""
        self._held += text
        if self._is_call:
            return ""
        if marker := _MARKER.search(self._held):
            self._is_call = True
            return self._release(marker.start())
        tail = len(self._held) - _MAX_MARKER_CHARS
        possible = _MARKER_START.search(self._held, max(0, tail))
        return self._release(possible.start() if possible else len(self._held))

    def finish(self) -> tuple[str, Call | None]:
        """What was held back: a call, or the text itself.

        A call that fits no bound tool's schema is neither: nobody may run it, and nobody wants to
        read it.
        """
        call = parse_call(self._held) if self._is_call else None
        if call is not None:
            return "", call if self._fits(call) else None
        if self._is_call and any(f'"{name}"' in self._held for name in self._schemas):
            # The beginning of a call that was never finished.
            return "", None
        return self._release(len(self._held)), None

    def _fits(self, call: Call) -> bool:
        schema = self._schemas.get(call.name)
        return schema is not None and Draft202012Validator(schema).is_valid(dict(call.arguments))

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text


def parse_call(text: str) -> Call | None:
    """The call that `text` holds, tagged, fenced or bare; None when it holds none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
    except ValueError:
        return None
    arguments = value.get("arguments", value.get("parameters"))
    name = value.get("name")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return Call(name, arguments)


def _call_schema(tool: Tool) -> dict[str, Any]:
    name = {"const": tool["function"]["name"]}
    return {
        "type": "object",
        "properties": {"name": name, "arguments": _parameters(tool)},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _parameters(tool: Tool) -> dict[str, Any]:
    given = tool["function"].get("parameters", {})
    schema: dict[str, Any] = _bounded({"type": "object", "properties": {}, **given})
    return schema


def _bounded(schema: Any) -> Any:
    """`schema` with a length limit on every free string and no properties beyond its own."""
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    bounded = {key: _bounded(value) for key, value in schema.items()}
    is_free = bounded.keys().isdisjoint({"enum", "const", "pattern", "format"})
    if bounded.get("type") == "string" and is_free:
        bounded.setdefault("maxLength", _MAX_STRING_CHARS)
    if bounded.get("type") == "object":
        bounded.setdefault("additionalProperties", False)
    return bounded
