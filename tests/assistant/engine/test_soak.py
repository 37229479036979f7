"""Hours of an engine's life in little time: whatever comes, it goes on, and it does not grow.

`make soak` runs it for several minutes; among the other tests it is short.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from assistant.engine.batch import BatchEngine
from assistant.engine.errors import ContextOverflow, DeadlineExceeded, EngineBusy, EngineError
from assistant.engine.interface import Finished, GenerateRequest, Priority, Sampling, Segment
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.engine.scheduler import Limits

from .invariants import check_tree

pytestmark = pytest.mark.model

DURATION_S = float(os.environ.get("MIDWATCH_SOAK_S", "15"))
NUM_USERS = 24
MAX_GROWTH_BYTES = 96 << 20
NUM_CELLS = 768
SYSTEMS = ("You are an on-call assistant. Be brief. " * 8, "You write shell scripts. " * 10)
WORDS = ("disk", "memory", "payments", "checkout", "restart", "log", "error", "timeout", "queue")


def random_request(engine: BatchEngine, chance: random.Random) -> GenerateRequest:
    question = " ".join(chance.choices(WORDS, k=chance.choice([2, 8, 40, 200])))
    schema = {
        "type": "object",
        "properties": {"a": {"enum": list(WORDS)}, "b": {"type": "boolean"}},
    }
    return GenerateRequest(
        [Segment(chance.choice(SYSTEMS)), Segment(question)],
        max_tokens=chance.choice([1, 8, 24, 64]),
        stop=chance.choice([(), ("\n\n",)]),
        grammar=engine.grammar_of(schema) if chance.random() < 0.2 else None,
        sampling=Sampling(
            temperature=chance.choice([0.0, 1.0]), top_p=0.9, seed=chance.getrandbits(16)
        ),
        priority=chance.choice(list(Priority)),
        deadline_s=chance.choice([None, None, None, 2.0]),
    )


async def ask(engine: BatchEngine, request: GenerateRequest, chance: random.Random) -> str:
    """One request, read to its end or given up on; what became of it."""
    patience = chance.choice([1, 3, 1000, 1000])
    try:
        async with aclosing(engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.reason
                patience -= 1
                if patience == 0:
                    return "cancelled"
                if chance.random() < 0.02:
                    await asyncio.sleep(0.5)
    except EngineError as error:
        return type(error).__name__
    raise AssertionError("a request ends in Finished or an error")


async def test_soak(model_file: Callable[[str], Path]) -> None:
    options = LoadOptions(512, 2, cache_tokens=NUM_CELLS)
    path = model_file("qwen2.5-coder-0.5b")
    limits = Limits(256, 64, max_running=8, max_waiting=8)
    engine = BatchEngine(lambda: LlamaModel(path, options), limits=limits, speculates=True)
    outcomes: Counter[str] = Counter()
    sizes: list[int] = []
    until = time.monotonic() + DURATION_S

    async def user(number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < until:
            outcomes[await ask(engine, random_request(engine, chance), chance)] += 1
            sizes.append(psutil.Process().memory_info().rss)
            await asyncio.sleep(0.05)

    await engine.warm([Segment(SYSTEMS[0])])
    await asyncio.gather(*(user(number) for number in range(NUM_USERS)))
    async with asyncio.timeout(10):
        while engine.status().num_running:  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(0.01)
    status = engine.status()
    await engine.aclose()
    # Only now: the index is the owner thread's.
    check_tree(engine._core.index, NUM_CELLS)
    expected = {e.__name__ for e in (EngineBusy, DeadlineExceeded, ContextOverflow)}
    assert set(outcomes) <= {"stop", "length", "cancelled"} | expected
    assert outcomes["length"] + outcomes["stop"] > 5
    assert outcomes["EngineBusy"] > 0
    assert status.num_cached_tokens > status.num_prompt_tokens / 3
    # What is needed at the busiest moment is needed once: later it may not grow.
    warmed_up = max(sizes[: len(sizes) // 3])
    assert max(sizes) - warmed_up < MAX_GROWTH_BYTES, (sizes[0], warmed_up, max(sizes))
    print(f"{sum(outcomes.values())} requests: {dict(outcomes)}; {status}; {max(sizes) >> 20} MiB")
