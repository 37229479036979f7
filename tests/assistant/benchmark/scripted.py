"""An engine without a model: a word is a token, and the answers take the time that a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from assistant.benchmark.opening import Footprint
from assistant.engine.errors import EngineBusy
from assistant.engine.interface import (
    EngineStatus,
    Finished,
    GenerateRequest,
    ModelInfo,
    Segment,
    TextDelta,
    Usage,
)
from assistant.settings import Settings

FOOTPRINT = Footprint(threads=2, cell_bytes=1000.0)


class ScriptedEngine:
    """Counts what runs at once, and keeps one prefix as its cache."""

    def __init__(self, context_tokens: int = 4096, max_at_once: int = 100) -> None:
        self.info = ModelInfo("scripted", "/scripted", context_tokens, "", "", "", frozenset())
        self.requests: list[GenerateRequest] = []
        self.most_at_once = 0
        self.max_at_once = max_at_once
        self.is_closed = False
        self._warm_tokens = 0
        self._at_once = 0
        self._num_prompt = self._num_cached = self._num_completion = 0

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        self.requests.append(request)
        if self._at_once == self.max_at_once:
            raise EngineBusy(self._at_once + 1, self.max_at_once)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            for number in range(request.max_tokens):
                await asyncio.sleep(0.001)
                yield TextDelta(f"{number} ")
        finally:
            self._at_once -= 1
        num_prompt = self.count_tokens(request.prompt)
        self._num_prompt += num_prompt
        self._num_cached += min(self._warm_tokens, num_prompt)
        self._num_completion += request.max_tokens
        yield Finished("length", Usage(num_prompt, 0, request.max_tokens, 0.0, 0.0))

    async def warm(self, prompt: Sequence[Segment]) -> Usage:
        self._warm_tokens = self.count_tokens(prompt)
        return Usage(self._warm_tokens, 0, 0, 0.0, 0.0)

    def status(self) -> EngineStatus:
        return EngineStatus(
            num_running=0,
            num_waiting=0,
            num_cells=1 << 20,
            num_used_cells=self._warm_tokens,
            num_prompt_tokens=self._num_prompt,
            num_cached_tokens=self._num_cached,
            num_completion_tokens=self._num_completion,
            num_preemptions=0,
        )

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        return sum(len(segment.text.split()) for segment in prompt)

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        return str(schema)

    async def aclose(self) -> None:
        self.is_closed = True


class Opener:
    """Opens scripted engines, and keeps them to be looked at."""

    def __init__(self, context_tokens: int = 4096, max_at_once: int = 100) -> None:
        self.context_tokens = context_tokens
        self.max_at_once = max_at_once
        self.opened: list[ScriptedEngine] = []

    @asynccontextmanager
    async def __call__(self, settings: Settings) -> AsyncIterator[ScriptedEngine]:
        engine = ScriptedEngine(self.context_tokens, self.max_at_once)
        self.opened.append(engine)
        try:
            yield engine
        finally:
            await engine.aclose()
