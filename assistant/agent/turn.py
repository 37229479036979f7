"""One turn: the question, the tools it may use, and what came of it.

A `Strategy` turns a `Turn` into a `Draft`; everything around that (sessions, events, errors) is the
same for every strategy and lives in `assistant.local`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk

from assistant.agent.confidence import LOW
from assistant.agent.instructions import fitting
from assistant.agent.question import Question
from assistant.agent.toolbox import Emit, Toolbox
from assistant.chat.local import LocalChatModel
from assistant.engine.interface import Priority
from assistant.events import TextDelta
from tools.evidence import Evidence

ModelSource = Callable[[], Awaitable[BaseChatModel]]
"""The chat model, once it is loaded: triage need not wait for it."""


@dataclass(slots=True)
class Meter:
    """What a turn cost so far: seconds by phase, tokens, and when the first word appeared."""

    started_at: float = field(default_factory=time.monotonic)
    phases_s: dict[str, float] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    first_word_at: float | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time within towards `name`."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.add(name, time.monotonic() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count `seconds` towards the phase `name`."""
        self.phases_s[name] = self.phases_s.get(name, 0.0) + seconds

    def count(self, message: AIMessage | AIMessageChunk) -> None:
        """Count a finished generation's tokens, and its time as prefill and decode."""
        usage = message.usage_metadata
        if usage is not None:
            self.model_calls += 1
            self.prompt_tokens += usage["input_tokens"]
            self.cached_tokens += usage.get("input_token_details", {}).get("cache_read", 0)
            self.completion_tokens += usage["output_tokens"]
        timing = message.response_metadata
        if "ttft_s" in timing:
            self.add("prefill", timing["ttft_s"])
            self.add("decode", timing["total_s"] - timing["ttft_s"])

    @property
    def ttft_s(self) -> float:
        """Seconds to the first word of the answer; 0.0 before it."""
        return 0.0 if self.first_word_at is None else self.first_word_at - self.started_at

    @property
    def total_s(self) -> float:
        """Seconds since the turn began."""
        return time.monotonic() - self.started_at


@dataclass(slots=True)
class Turn:
    """A question being worked on in `session`. `shown` is the answer so far.

    `instructions` are the team's own rules; an answer quotes those that fit it.
    """

    session: str
    question: Question
    toolbox: Toolbox
    emit: Emit
    meter: Meter = field(default_factory=Meter)
    shown: list[str] = field(default_factory=list)
    instructions: tuple[str, ...] = ()
    priority: Priority = Priority.CHAT
    """Who goes first where many ask one engine at once."""
    model: ModelSource | None = None
    """The model that was chosen for this turn; None: the strategy's own."""
    is_unsure: bool = False
    """Whether the answer says itself that it is not sure."""

    def show_confidence(self, line: str) -> None:
        """Show how sure the answer is, in the words of `confidence_line`."""
        self.is_unsure = line.startswith(LOW)
        self.show_section(line)

    def rules(self, evidence: Sequence[Evidence]) -> tuple[str, ...]:
        """The team's instructions for what the question asks and what was found about it."""
        if self.question.intent == "show":
            return ()
        found = [item.finding.text for item in evidence]
        return fitting(self.instructions, self.question.text, found)

    async def wait_for(self, model: ModelSource) -> BaseChatModel:
        """The model for this turn; the time until it is loaded counts as `load`."""
        with self.meter.phase("load"):
            loaded = await (self.model or model)()
        if isinstance(loaded, LocalChatModel) and loaded.priority != self.priority:
            return loaded.model_copy(update={"priority": self.priority})
        return loaded

    def show(self, text: str) -> None:
        """Show the next piece of the answer, without secrets.

        Evidence has none any more when it gets here; what code computed of it may.
        """
        if not text:
            return
        text = self.toolbox.redact(text)
        if self.meter.first_word_at is None:
            self.meter.first_word_at = time.monotonic()
        self.shown.append(text)
        self.emit(TextDelta(text))

    def show_section(self, text: str) -> None:
        """Show a block of its own, set off from what stands before it."""
        if text:
            is_set_off = not self.shown or self.shown[-1].endswith("\n\n")
            self.show(text if is_set_off else f"\n\n{text}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished answer, as it was shown, and the evidence that it rests on."""

    answer: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Resumption:
    """A decision, for the conversation to go on from.

    `told` is what the model is told of it, `report` what was shown of it already. With `is_open`
    the model is asked what to do instead, or `ask`.
    """

    told: str
    report: str
    is_open: bool
    ask: str = ""


class Strategy(Protocol):
    """A way of getting from a question to an answer."""

    async def answer(self, turn: Turn) -> Draft:
        """Work on the turn, showing the answer as it grows. Cancelling it ends all work."""
        ...

    async def resume(self, turn: Turn, resumption: Resumption) -> Draft:
        """Go on after a decision on what an earlier turn of the session proposed."""
        ...
