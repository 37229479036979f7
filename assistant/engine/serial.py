"""`SerialEngine`: one request at a time on one owner thread, its prefix kept in the KV cache.

The simplest engine that keeps a stable prompt cheap: the cache holds the last request's tokens, and
the next request computes only what differs from them.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.engine.backend import Backend, Grammar
from assistant.engine.errors import ContextOverflow, EngineClosed, EngineError, RequestRefused
from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    ModelInfo,
    Reason,
    Segment,
    TextDelta,
    Usage,
)
from assistant.engine.sampling import Logits, Sampler
from assistant.engine.text import TextAssembler

_log = logging.getLogger(__name__)


_Event = TextDelta | Finished | EngineError


@dataclass(slots=True)
class _Job:
    """A request on its way through the owner thread; `emit` may be called from that thread."""

    request: GenerateRequest
    emit: Callable[[_Event], None]
    admitted_at: float = field(default_factory=time.monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Cost:
    """What a request cost so far."""

    admitted_at: float
    num_prompt: int
    num_cached: int
    num_completion: int = 0
    ttft_s: float = 0.0

    def count(self) -> None:
        """Count a sampled token."""
        self.num_completion += 1
        self.ttft_s = self.ttft_s or self._elapsed_s()

    def usage(self) -> Usage:
        return Usage(
            self.num_prompt, self.num_cached, self.num_completion, self.ttft_s, self._elapsed_s()
        )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.admitted_at


class SerialEngine:
    """An `Engine` that runs requests in the order of their arrival."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._cached: list[int] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._is_closed = threading.Event()
        self._owner = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._owner.start()

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        return self._backend.info

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        """The number of tokens that `prompt` takes in the context."""
        return len(self._backend.tokenize(prompt))

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """GBNF for the JSON texts that fit `schema`. Raises InvalidGrammar."""
        return self._backend.grammar_of(schema)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        """See `Engine.generate`."""
        if self._is_closed.is_set():
            raise EngineClosed("the engine is closed")
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[_Event] = asyncio.Queue()
        job = _Job(request, lambda event: _post(loop, events, event))
        self._jobs.put(job)
        try:
            while True:
                event = await events.get()
                if isinstance(event, EngineError):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            job.cancelled.set()

    async def aclose(self) -> None:
        """See `Engine.aclose`."""
        self._is_closed.set()
        self._jobs.put(None)
        await asyncio.to_thread(self._owner.join)

    def _serve(self) -> None:
        """The owner thread: every call that touches the model's context is made here."""
        while (job := self._jobs.get()) is not None:
            if not job.cancelled.is_set():
                self._answer(job)
        self._backend.close()

    def _answer(self, job: _Job) -> None:
        try:
            for event in self._run(job):
                job.emit(event)
        except EngineError as error:
            self._forget_unless_refused(error)
            job.emit(error)
        except Exception as error:  # noqa: BLE001 - the loop must outlive any one request
            _log.exception("a request failed in the engine")
            self._forget()
            job.emit(EngineError(f"the engine failed: {error}", "see the log for the traceback"))

    def _run(self, job: _Job) -> Iterator[TextDelta | Finished]:
        tokens = self._admit(job.request)
        grammar = self._compile(job.request)
        try:
            yield from self._generate(job, tokens, Sampler(job.request.sampling, grammar))
        finally:
            if grammar is not None:
                grammar.close()

    def _admit(self, request: GenerateRequest) -> list[int]:
        tokens = self._backend.tokenize(request.prompt)
        if not tokens:
            raise RequestRefused("the prompt is empty")
        if request.max_tokens < 1:
            raise RequestRefused(f"max_tokens is {request.max_tokens}; it must be at least 1")
        if len(tokens) >= self.info.context_tokens:
            raise ContextOverflow(len(tokens), self.info.context_tokens)
        return tokens

    def _compile(self, request: GenerateRequest) -> Grammar | None:
        return None if request.grammar is None else self._backend.compile_grammar(request.grammar)

    def _generate(
        self, job: _Job, prompt: list[int], sampler: Sampler
    ) -> Iterator[TextDelta | Finished]:
        cost = _Cost(job.admitted_at, len(prompt), self._share_prefix(prompt))
        assembler = TextAssembler(job.request.stop)
        reason: Reason = "length"
        for token in self._tokens(job, prompt, cost, sampler):
            if self._backend.ends_generation(token):
                reason = "stop"
                break
            if text := assembler.push(self._backend.piece(token)):
                yield TextDelta(text)
            if assembler.is_stopped:
                reason = "stop"
                break
        if job.cancelled.is_set():
            return
        if text := assembler.finish():
            yield TextDelta(text)
        yield Finished(reason, cost.usage())

    def _tokens(self, job: _Job, prompt: list[int], cost: _Cost, sampler: Sampler) -> Iterator[int]:
        """The sampled tokens, until there is no more room or nobody waits for them."""
        logits = self._prefill(job, prompt, cost.num_cached)
        room = min(job.request.max_tokens, self.info.context_tokens - len(prompt))
        while not self._is_abandoned(job):
            token = sampler.draw(logits)
            cost.count()
            yield token
            if cost.num_completion == room:
                return
            logits = self._extend([token])

    def _share_prefix(self, prompt: list[int]) -> int:
        """Drop from the cache what differs from `prompt`; the number of tokens that remain.

        The last token is always computed again: its logits are what the first sample is drawn from.
        """
        shared = 0
        for cached, wanted in zip(self._cached, prompt[:-1], strict=False):
            if cached != wanted:
                break
            shared += 1
        self._backend.truncate(shared)
        del self._cached[shared:]
        return shared

    def _prefill(self, job: _Job, prompt: list[int], start: int) -> Logits:
        """Logits after the whole prompt; after a part of it when the request was abandoned."""
        chunk = self._backend.prefill_chunk
        logits = self._extend(prompt[start : start + chunk])
        for position in range(start + chunk, len(prompt), chunk):
            if self._is_abandoned(job):
                break
            logits = self._extend(prompt[position : position + chunk])
        return logits

    def _extend(self, tokens: list[int]) -> Logits:
        logits = self._backend.decode(tokens, len(self._cached))
        self._cached += tokens
        return logits

    def _is_abandoned(self, job: _Job) -> bool:
        """Whether nobody waits any more. Raises EngineClosed when the engine was closed."""
        if self._is_closed.is_set():
            raise EngineClosed("the engine was closed before the answer was complete")
        return job.cancelled.is_set()

    def _forget_unless_refused(self, error: EngineError) -> None:
        if not isinstance(error, RequestRefused):
            self._forget()

    def _forget(self) -> None:
        """Empty the cache: after a failed decode nobody knows what is in it."""
        self._backend.truncate(0)
        self._cached.clear()


def _post(loop: asyncio.AbstractEventLoop, events: asyncio.Queue[_Event], event: _Event) -> None:
    """Hand `event` to the consumer; one whose loop is gone has stopped listening."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(events.put_nowait, event)
