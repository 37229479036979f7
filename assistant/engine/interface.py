"""What the rest of midwatch sees of the engine: a request, its events, the `Engine` protocol."""

from __future__ import annotations

import enum
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
    """How a token is drawn from the logits. Temperature 0 takes the most likely one.

    The penalties look at the last `penalty_tokens` tokens that the request generated, as llama.cpp
    and the OpenAI API define them: `repetition_penalty` divides a positive logit of a token that
    occurred and multiplies a negative one, `presence_penalty` is subtracted once, and
    `frequency_penalty` once for each occurrence.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    penalty_tokens: int = 256
    seed: int = 0


class Priority(enum.IntEnum):
    """Who goes first. Within a class, whoever asked for less work and waited longer."""

    ALERT = 0
    CHAT = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One generation.

    `grammar` is GBNF with the rule `root`; `stop` strings end the text and are not part of it.
    `deadline_s` counts from the admission, so that waiting is included.
    """

    prompt: Sequence[Segment]
    max_tokens: int
    stop: Sequence[str] = ()
    grammar: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    priority: Priority = Priority.CHAT
    deadline_s: float | None = None


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


RequestState = Literal["waiting", "prefill", "decode", "paused"]
"""`paused`: its consumer stopped reading, and it has no place until that one reads on."""


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """A request that has not ended, and how far it is.

    `num_computed_tokens` of its prompt and answer have cells at present; `num_cached_tokens` of the
    prompt were there before it came. `age_s` counts from the admission.
    """

    state: RequestState
    priority: Priority
    num_prompt_tokens: int
    num_cached_tokens: int
    num_computed_tokens: int
    num_new_tokens: int
    max_new_tokens: int
    age_s: float


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine is busy with, and what its KV cache holds.

    `num_used_cells` counts running requests and cached prefixes; the prompt and cached tokens are
    sums over all requests that ended, so that their ratio is the share of hits. For rates there are
    `num_computed_tokens`, all that the model was given so far, and `num_generated_tokens`, which
    count with each step. `requests` are those that run, then those that wait. At most `max_running`
    run at once, and a class waits behind at most `max_waiting`.
    """

    num_running: int
    num_waiting: int
    num_cells: int
    num_used_cells: int
    num_prompt_tokens: int
    num_cached_tokens: int
    num_completion_tokens: int
    num_preemptions: int
    num_computed_tokens: int = 0
    num_generated_tokens: int = 0
    max_running: int = 0
    max_waiting: int = 0
    requests: tuple[RequestStatus, ...] = ()


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

        Closing the iterator cancels the request and frees what it held. Raises RequestRefused (and
        EngineBusy, which is one), DeadlineExceeded, DecodeFailed, EngineClosed.
        """
        ...

    async def warm(self, prompt: Sequence[Segment]) -> Usage:
        """Compute `prompt`, or restore it from a snapshot, and keep it in the cache for good.

        For the prefix that every conversation begins with. `cached_tokens` of the usage were
        restored or cached already. Raises like `generate`.
        """
        ...

    def status(self) -> EngineStatus:
        """How busy the engine is at this moment."""
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
