"""What the rest of midwatch sees of the engine: a request, its events, the `Engine` protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt.

    Special tokens (`<|im_start|>`, `<tool_call>`) are parsed in template segments only. Everything
    that a user, a log, a runbook, a tool or the model itself wrote is plain characters, whatever it
    spells: this flag is the security boundary between instructions and data.
    """

    text: str
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is drawn from the logits. Temperature 0 takes the most likely one."""

    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One generation.

    `grammar` is GBNF with the rule `root`; `stop` strings end the text and are not part of it.
    """

    prompt: Sequence[Segment]
    max_tokens: int
    stop: Sequence[str] = ()
    grammar: str | None = None
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost. `cached_tokens` of the prompt were already in the KV cache.

    `ttft_s` counts from the request's admission to its first sampled token, so it includes waiting.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    ttft_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text: whole characters, never empty, nothing of a stop string."""

    text: str


Reason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every request that was not cancelled and did not fail.

    `stop`: the model ended it, or a stop string did. `length`: `max_tokens` or the context did.
    """

    reason: Reason
    usage: Usage


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The loaded model. `special_texts` are the spellings of its control and added tokens."""

    name: str
    path: str
    context_tokens: int
    chat_template: str
    bos_text: str
    eos_text: str
    special_texts: frozenset[str]


class Engine(Protocol):
    """Generates text from prompts. Safe to use from many tasks of one event loop."""

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        """Text as it is generated, then one `Finished`.

        Closing the iterator cancels the request. Raises RequestRefused, DecodeFailed, EngineClosed.
        """
        ...

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        """The number of tokens that `prompt` takes in the context."""
        ...

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """GBNF for the JSON texts that fit `schema`. Raises InvalidGrammar."""
        ...

    async def aclose(self) -> None:
        """Fail what is running with EngineClosed and free the model."""
        ...
