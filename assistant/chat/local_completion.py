"""A completion on the engine itself, below `LocalChatModel`, whose template it uses.

The assistant's own calls are short and its answers are for people; those of other programs may be
of any length, and are theirs to judge. So strings in calls are not bounded, nothing that the model
wrote is left out, and an answer that looks like a call stays an answer where no tool may be called.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from assistant.chat.completion import (
    CallDelta,
    Completed,
    CompletionEvent,
    CompletionRequest,
    CompletionSampling,
    FieldRefused,
)
from assistant.chat.completion_messages import messages_of
from assistant.chat.local import LocalChatModel
from assistant.chat.template import Tool
from assistant.chat.tool_calls import (
    CLOSING,
    OPENING,
    Call,
    CallReader,
    parse_call,
    text_grammar,
)
from assistant.engine.errors import InvalidGrammar
from assistant.engine.interface import (
    Engine,
    Finished,
    GenerateRequest,
    Sampling,
    Segment,
    TextDelta,
)
from assistant.errors import ModelError

_ANY_OBJECT = {"type": "object"}
# The template's marks for texts: a definition with one would be cut there.
_PRIVATE_MARK = "\ue000"


async def complete_locally(
    model: LocalChatModel, request: CompletionRequest
) -> AsyncGenerator[CompletionEvent]:
    """See `complete`. Raises FieldRefused for tools and formats that no grammar can say."""
    # Templates and grammars of large requests take milliseconds, in which others stream.
    generation = await asyncio.to_thread(_generation, model, request)
    reader = _reader(request)
    async with aclosing(model.engine.generate(generation)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    if reader is None:
                        yield event
                    elif shown := reader.push(event.text):
                        yield TextDelta(shown)
                case Finished():
                    text, call = ("", None) if reader is None else reader.finish()
                    if text:
                        yield TextDelta(text)
                    if call is not None:
                        yield _call_delta(call)
                    yield Completed("tool_calls" if call else event.reason, event.usage)


def _generation(model: LocalChatModel, request: CompletionRequest) -> GenerateRequest:
    """The request to the engine. Raises FieldRefused."""
    engine: Engine = model.engine
    is_call = bool(request.tools) and request.tool_mode == "required"
    prompt = _prompt(model, request)
    has_tags = model.template.has_call_tags
    if is_call and has_tags:
        prompt = [*prompt, Segment(OPENING, is_template=True)]
    return GenerateRequest(
        prompt=prompt,
        max_tokens=request.max_tokens or engine.info.context_tokens,
        # A call ends where its grammar does; half of one is of no use.
        stop=() if is_call else request.stop,
        grammar=_grammar(engine, request, has_tags=has_tags),
        sampling=_sampling(model, request.sampling),
        priority=request.priority,
    )


def _prompt(model: LocalChatModel, request: CompletionRequest) -> list[Segment]:
    template = model.template
    _refuse_marks(request.tools)
    try:
        return template.render(messages_of(request.turns), request.tools)
    except ValueError as error:
        raise FieldRefused("tools", str(error)) from error
    except ModelError as error:
        raise FieldRefused("messages", error.message, error.hint) from error


def _refuse_marks(tools: Sequence[Tool]) -> None:
    for tool in tools:
        if _PRIVATE_MARK in json.dumps(tool, ensure_ascii=False):
            name = tool["function"]["name"]
            raise FieldRefused("tools", f"the definition of tool {name!r} contains U+E000")


def _sampling(model: LocalChatModel, wanted: CompletionSampling) -> Sampling:
    """With the model's temperature and a random seed where nothing else is wanted."""
    given = {"temperature": model.temperature, "seed": secrets.randbits(63), **wanted.given()}
    # Seeds of the API are signed, those of the engine are not.
    given["seed"] = int(given["seed"]) & (2**64 - 1)
    return Sampling(**given)  # type: ignore[arg-type]


def _grammar(engine: Engine, request: CompletionRequest, *, has_tags: bool) -> str | None:
    schema = _answer_schema(request.answer_format)
    if not request.tools or request.tool_mode == "none":
        if schema is not None:
            return _grammar_of(engine, schema, "response_format")
        return text_grammar() if request.tools else None
    if request.tool_mode == "required":
        return _call_grammar(engine, request)
    if schema is not None:
        raise FieldRefused(
            "response_format",
            "response_format together with tools that may be called is not supported",
            "set tool_choice to none or required, or leave one of the two out",
        )
    return _optional_call_grammar(_call_grammar(engine, request), has_tags=has_tags)


def _answer_schema(answer_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The JSON schema that the answer is to fit, None for text."""
    if answer_format is None:
        return None
    schema: Mapping[str, Any] | None = answer_format.get("json_schema", {}).get("schema")
    return _ANY_OBJECT if schema is None else schema


def _call_grammar(engine: Engine, request: CompletionRequest) -> str:
    """GBNF for one call, without its tags, of a tool that may be called."""
    tools = [t for t in request.tools if request.tool_name in (None, t["function"]["name"])]
    return _grammar_of(engine, {"oneOf": [_call_schema(tool) for tool in tools]}, "tools")


def _call_schema(tool: Tool) -> dict[str, Any]:
    name = {"const": tool["function"]["name"]}
    return {
        "type": "object",
        "properties": {"name": name, "arguments": _parameters(tool)},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _parameters(tool: Tool) -> dict[str, Any]:
    """The schema of the arguments; a tool without one takes none."""
    given: Mapping[str, Any] = tool["function"].get("parameters", {"properties": {}})
    return {"type": "object", **given}


def _optional_call_grammar(call: str, *, has_tags: bool) -> str:
    """GBNF for `call` in its tags, or text that does not begin like one."""
    opening, closing = (json.dumps(OPENING), json.dumps(CLOSING)) if has_tags else ('""', '""')
    call = re.sub(r"^root ::=", "call ::=", call, flags=re.MULTILINE)
    text = text_grammar().removeprefix("root ::= text\n")
    return f"root ::= {opening} call {closing} | text\n{call}\n{text}"


def _grammar_of(engine: Engine, schema: Mapping[str, Any], param: str) -> str:
    try:
        return engine.grammar_of(schema)
    except InvalidGrammar as error:
        raise FieldRefused(param, error.message, error.hint) from error


@dataclass(slots=True)
class _ForcedCallReader:
    """Keeps a call until it is whole; half of one is nobody's."""

    text: str = ""

    def push(self, text: str) -> str:
        self.text += text
        return ""

    def finish(self) -> tuple[str, Call | None]:
        return "", parse_call(self.text)


class _OptionalCallReader:
    """Splits what was written into text and a call; what is no call of a known tool is text."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._validators = {
            tool["function"]["name"]: Draft202012Validator(_parameters(tool)) for tool in tools
        }
        self._reader = CallReader(())
        self._held = ""

    def push(self, text: str) -> str:
        """The part of the text so far that is certainly not the beginning of a call."""
        self._held += text
        shown = self._reader.push(text)
        self._held = self._held[len(shown) :]
        return shown

    def finish(self) -> tuple[str, Call | None]:
        """What was held back: a call, or the text itself."""
        call = parse_call(self._held)
        return ("", call) if call is not None and self._fits(call) else (self._held, None)

    def _fits(self, call: Call) -> bool:
        validator = self._validators.get(call.name)
        return validator is not None and validator.is_valid(dict(call.arguments))


def _reader(request: CompletionRequest) -> _ForcedCallReader | _OptionalCallReader | None:
    if not request.tools or request.tool_mode == "none":
        return None
    is_forced = request.tool_mode == "required"
    return _ForcedCallReader() if is_forced else _OptionalCallReader(request.tools)


def _call_delta(call: Call) -> CallDelta:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return CallDelta(0, f"call_{uuid.uuid4().hex[:24]}", call.name, arguments)
