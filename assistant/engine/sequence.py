"""`Sequence`: one request on its way through the engine.

Its tokens are the prompt and what was generated so far; those before `num_computed` have cells in
the KV cache. Prefill and decode are the same thing here: a sequence has pending tokens, and when
the last of them was computed, the next one is drawn. A sequence that was preempted has all of them
pending again, and continues as if nothing had happened.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from assistant.engine.backend import Grammar
from assistant.engine.errors import EngineError
from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    Reason,
    RequestState,
    RequestStatus,
    TextDelta,
    Usage,
)
from assistant.engine.prefix import Node
from assistant.engine.sampling import Sampler
from assistant.engine.speculation import PromptLookup
from assistant.engine.text import TextAssembler


@dataclass(frozen=True, slots=True)
class Warmed:
    """A prefix is in the cache for good; `state` holds its cells unless they were there before."""

    usage: Usage
    state: bytes | None


Event = TextDelta | Finished | Warmed | EngineError
"""What a reader gets: texts, and then one of the others."""


class Reader(Protocol):
    """Whoever reads what a request generates, seen from the owner thread."""

    def put(self, event: Event) -> None:
        """Hand over an event; never blocks."""
        ...

    def is_stalled(self) -> bool:
        """Whether so much is unread that generating more is of no use."""
        ...

    def is_gone(self) -> bool:
        """Whether nobody will ever read again."""
        ...


@dataclass(slots=True, eq=False)
class Sequence:
    """The state of a request; it belongs to the owner thread once it was submitted.

    A sequence that `is_warming` generates nothing: it is there for what it leaves in the cache.
    """

    request: GenerateRequest
    prompt: list[int]
    max_new_tokens: int
    reader: Reader
    is_warming: bool = False
    admitted_at: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(init=False)
    num_computed: int = 0
    num_cached: int | None = None
    ttft_s: float = 0.0
    tail: Node | None = None
    sampler: Sampler = field(init=False)
    grammar: Grammar | None = None
    lookup: PromptLookup | None = None
    assembler: TextAssembler = field(init=False)
    is_over: bool = False
    arrival: int = 0
    finish_tag: int = 0

    def __post_init__(self) -> None:
        self.tokens = list(self.prompt)
        self.assembler = TextAssembler(self.request.stop)

    @property
    def reusable(self) -> list[int]:
        """The tokens whose cells may come from the cache.

        The last one is always computed: it yields the logits that the next token is drawn from.
        """
        return self.tokens if self.is_warming else self.tokens[:-1]

    @property
    def num_pending(self) -> int:
        """Known tokens that have no cells yet."""
        return len(self.tokens) - self.num_computed

    @property
    def num_new(self) -> int:
        """Tokens generated so far."""
        return len(self.tokens) - len(self.prompt)

    @property
    def num_left(self) -> int:
        """Tokens that may still be generated."""
        return self.max_new_tokens - self.num_new

    @property
    def is_prefilling(self) -> bool:
        """Whether a part of the prompt, other than its last token, is pending."""
        return self.num_computed < len(self.prompt) - 1

    @property
    def deadline_at(self) -> float:
        """When it has to be done, on the monotonic clock."""
        limit_s = self.request.deadline_s
        return float("inf") if limit_s is None else self.admitted_at + limit_s

    def give(self, event: Event) -> None:
        """Hand `event` to the reader, unless it was told the end already."""
        if not self.is_over:
            self.is_over = not isinstance(event, TextDelta)
            self.reader.put(event)

    def append(self, token: int) -> None:
        """Take note of a generated token."""
        self.tokens.append(token)

    def close(self) -> None:
        """Free what the request owns outside the cache; the second time does nothing."""
        if self.grammar is not None:
            self.grammar.close()
            self.grammar = None

    def elapsed_s(self) -> float:
        """Seconds since the admission."""
        return time.monotonic() - self.admitted_at

    def usage(self) -> Usage:
        """What it cost so far."""
        return Usage(
            len(self.prompt), self.num_cached or 0, self.num_new, self.ttft_s, self.elapsed_s()
        )

    def status(self, state: RequestState) -> RequestStatus:
        """How far it is; safe to ask from any thread."""
        return RequestStatus(
            state=state,
            priority=self.request.priority,
            num_prompt_tokens=len(self.prompt),
            num_cached_tokens=self.num_cached or 0,
            num_computed_tokens=self.num_computed,
            num_new_tokens=self.num_new,
            max_new_tokens=self.max_new_tokens,
            age_s=self.elapsed_s(),
        )

    def finished(self, reason: Reason) -> Finished:
        """The last event of a request that succeeded."""
        return Finished(reason, self.usage())
