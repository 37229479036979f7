"""A chat completion request as OpenAI's API defines it, checked and made our own.

A field that is not known, or that asks for something this server does not do, is refused by its
name: an answer that silently lacks what was asked for would mislead. Left out in silence is only
what changes no answer (who asks, hints to caches, notes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.chat.completion import CompletionRequest, CompletionSampling, ToolMode
from assistant.engine.interface import Priority
from assistant.server.openai_errors import RequestInvalid
from assistant.server.openai_faults import request_invalid
from assistant.server.openai_messages import Message, Part, ToolName

# "flex" is OpenAI's word for work that may wait.
_PRIORITIES: Mapping[str, Priority] = {"flex": Priority.BACKGROUND}

Penalty = Annotated[float, Field(ge=-2.0, le=2.0)]
StopText = Annotated[str, Field(min_length=1)]
TokenCount = Annotated[int, Field(ge=1, lt=2**31)]


class ParametersSchema(BaseModel):
    """A JSON schema of an object; every other keyword is kept as it came."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    type: Literal["object"] = "object"


class Function(Part):
    """A function that the model may call; its calls always fit `parameters`."""

    name: ToolName
    description: str | None = None
    parameters: ParametersSchema | None = None
    strict: bool | None = None


class Tool(Part):
    """A tool; functions are the only ones."""

    type: Literal["function"]
    function: Function

    def definition(self) -> dict[str, Any]:
        """The tool for a template. `strict` is left out: calls are strict here in any case."""
        function: dict[str, Any] = {"name": self.function.name}
        if self.function.description is not None:
            function["description"] = self.function.description
        if self.function.parameters is not None:
            function["parameters"] = self.function.parameters.model_dump()
        return {"type": "function", "function": function}


class FunctionName(Part):
    """The name of one of `tools`."""

    name: str


class NamedTool(Part):
    """The one tool that is to be called."""

    type: Literal["function"]
    function: FunctionName


class TextFormat(Part):
    """Any text."""

    type: Literal["text"]


class ObjectFormat(Part):
    """Any JSON object."""

    type: Literal["json_object"]


class NamedSchema(Part):
    """A JSON schema, to which the answer is held by a grammar whatever `strict` says."""

    name: str
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class SchemaFormat(Part):
    """JSON that fits a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


AnswerFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class StreamOptions(Part):
    """Options of a streamed answer. Padding of its chunks is not made."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatCompletionRequest(Part):
    """The body of `POST /v1/chat/completions`."""

    messages: Annotated[list[Message], Field(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: TokenCount | None = None
    max_tokens: TokenCount | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    min_p: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100.0)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=16)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: ToolMode | NamedTool | None = None
    response_format: AnswerFormat | None = None
    service_tier: Literal["auto", "default", "flex"] | None = None
    # One answer, one call, text: these may only say so.
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    modalities: list[Literal["text"]] | None = None
    store: Literal[False] | None = None
    # An answer has one call at the most, which both values allow.
    parallel_tool_calls: bool | None = None
    # These change no answer.
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prediction: dict[str, Any] | None = None

    @property
    def has_usage_chunk(self) -> bool:
        """Whether a streamed answer ends with what it cost."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def completion(self, default: Priority) -> CompletionRequest:
        """The completion that is asked for. Raises RequestInvalid, which names the field."""
        mode, name = self._tool_choice()
        return CompletionRequest(
            turns=[m.turn(f"messages[{index}]") for index, m in enumerate(self.messages)],
            tools=self._tools(),
            tool_mode=mode,
            tool_name=name,
            answer_format=self._answer_format(),
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            sampling=self._sampling(),
            priority=_PRIORITIES.get(self.service_tier or "", default),
        )

    def _sampling(self) -> CompletionSampling:
        return CompletionSampling(
            temperature=self.temperature,
            top_p=self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            seed=self.seed,
        )

    def _tools(self) -> list[dict[str, Any]]:
        names = [tool.function.name for tool in self.tools or ()]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise RequestInvalid("tools", f"two tools are named {twice!r}")
        return [tool.definition() for tool in self.tools or ()]

    def _tool_choice(self) -> tuple[ToolMode, str | None]:
        choice = self.tool_choice or "auto"
        if choice == "required" and not self.tools:
            raise RequestInvalid("tool_choice", "tool_choice is required and there are no tools")
        if not isinstance(choice, NamedTool):
            return choice, None
        name = choice.function.name
        if name not in [tool.function.name for tool in self.tools or ()]:
            raise RequestInvalid("tool_choice", f"tool_choice names {name!r}, which is no tool")
        return "required", name

    def _answer_format(self) -> Mapping[str, Any] | None:
        if self.response_format is None or isinstance(self.response_format, TextFormat):
            return None
        return self.response_format.model_dump(by_alias=True, exclude_none=True)


def parse_request(body: bytes) -> ChatCompletionRequest:
    """The request in `body`. Raises RequestInvalid, which names the first field that is wrong."""
    try:
        return ChatCompletionRequest.model_validate_json(body)
    except ValidationError as error:
        raise request_invalid(error, body) from error


def request_schema() -> dict[str, Any]:
    """The JSON schema of a request, without references, to stand in an OpenAPI description."""
    schema = ChatCompletionRequest.model_json_schema()
    definitions = schema.pop("$defs")
    whole: dict[str, Any] = _inlined(schema, definitions)
    return whole


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    # A discriminator only repeats, by reference, what the forms say themselves.
    return {k: _inlined(v, definitions) for k, v in schema.items() if k != "discriminator"}
