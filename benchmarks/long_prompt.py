"""A long prompt that arrives while others stream: how long their answers stand still.

    python benchmarks/long_prompt.py [--model NAME] [--json]

The work: 4 answers stream behind a prefix of 700 tokens when a prompt of 3,000 tokens arrives that
nobody has seen. Measured is the longest gap between two tokens of a stream until the long prompt
has its first token, against one prefill chunk: the same prompt, cut into chunks of the size that
the engine chose while it served the streams, decoded with nothing else to do. A chunk is dearer the
more there is before it, so there are two rows: the median chunk and the dearest.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from comparing import Options, Row, in_own_process, progress, run_driver

from assistant.benchmark.answers import Answer, read_answer
from assistant.benchmark.workload import Workload, prefix_of, question_of
from assistant.engine.backend import Slice
from assistant.engine.batch import BatchEngine
from assistant.engine.interface import Engine, GenerateRequest, Segment, TextDelta
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.engine.sampling import Logits

STREAMS = 4
LONG_PROMPT_TOKENS = 3000
CONTEXT_TOKENS = 4096
CACHE_TOKENS = 8192
# Long enough for the streams to outlast the prompt in small chunks.
STREAM_TOKENS = 400
# The prompt comes when every stream is under way.
TOKENS_BEFORE = 5
CHUNK = "a prefill chunk"


class TimedModel(LlamaModel):
    """The model, and how many tokens each step had."""

    def __init__(self, options: Options) -> None:
        self.step_tokens: list[int] = []
        load = LoadOptions(CONTEXT_TOKENS, options.threads, cache_tokens=CACHE_TOKENS)
        super().__init__(options.model, load)

    def decode(self, step: Sequence[Slice]) -> Logits:
        """See `Backend.decode`."""
        self.step_tokens.append(sum(len(part.tokens) for part in step))
        return super().decode(step)


@dataclass(slots=True)
class Stream:
    """A running answer: when its tokens came so far."""

    arrived_at: list[float] = field(default_factory=list)
    is_under_way: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, engine: Engine, request: GenerateRequest) -> None:
        """Read to the end."""
        async with aclosing(engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    self.arrived_at.append(time.monotonic())
                    if len(self.arrived_at) == TOKENS_BEFORE:
                        self.is_under_way.set()

    def longest_gap_s(self, start: float, end: float) -> float:
        """The longest gap that lies in part between `start` and `end`."""
        gaps = zip(self.arrived_at, self.arrived_at[1:], strict=False)
        return max(
            (after - before for before, after in gaps if after > start and before < end),
            default=0.0,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """One run: the longest gap, the engine's chunk, and what such chunks take alone."""

    gap_s: float
    chunk_tokens: int
    chunks_s: list[float]
    have_streams_lasted: bool


def main() -> None:
    """Measure and print the rows."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The rows of this comparison."""
    found = []
    for run in range(options.runs):
        progress(f"a long prompt among {STREAMS} streams: run {run + 1}")
        found.append(in_own_process(measured, options, seed=run))
    median = [(one.gap_s, statistics.median(one.chunks_s)) for one in found]
    dearest = [(one.gap_s, max(one.chunks_s)) for one in found]
    note = f"(chunks of {sorted({one.chunk_tokens for one in found})} tokens)"
    if not all(one.have_streams_lasted for one in found):
        note += " (THE STREAMS ENDED BEFORE THE PROMPT DID)"
    work = f"{LONG_PROMPT_TOKENS} tokens arrive, {STREAMS} stream: longest gap"
    return [
        Row(work, f"{CHUNK}, median", "s", median, 1.5, True, note),
        Row(work, f"{CHUNK}, the dearest", "s", dearest, None, True),
    ]


def measured(options: Options, seed: int) -> Found:
    """One run, in a process of its own."""
    return asyncio.run(_measured(options, seed))


async def _measured(options: Options, seed: int) -> Found:
    opened: list[TimedModel] = []

    def load() -> TimedModel:
        opened.append(TimedModel(options))
        return opened[0]

    engine = BatchEngine(load)
    model = opened[0]
    try:
        long_text = prefix_of(LONG_PROMPT_TOKENS, 500 + seed, engine.count_tokens)
        tokens = model.tokenize([Segment(long_text)])
        streams, answer, have_lasted = await _under_load(options, engine, model, long_text, seed)
    finally:
        await engine.aclose()
    first_token_at = answer.arrived_at[0]
    # Under load a step holds the streams' tokens beside the chunk.
    chunk_tokens = max(model.step_tokens) - STREAMS
    return Found(
        gap_s=max(s.longest_gap_s(answer.asked_at, first_token_at) for s in streams),
        chunk_tokens=chunk_tokens,
        chunks_s=_chunks_alone(options, tokens, chunk_tokens),
        have_streams_lasted=have_lasted,
    )


async def _under_load(
    options: Options, engine: Engine, model: TimedModel, long_text: str, seed: int
) -> tuple[list[Stream], Answer, bool]:
    """The streams, the long prompt's answer that came among them, and whether all outlasted it."""
    workload = Workload(prefix_of(options.prompt_tokens, seed, engine.count_tokens), STREAM_TOKENS)
    await engine.warm(workload.prefix_prompt())
    streams = [Stream() for _ in range(STREAMS)]
    tasks = [
        asyncio.create_task(stream.read(engine, workload.request(question_of(number))))
        for number, stream in enumerate(streams)
    ]
    for stream in streams:
        await stream.is_under_way.wait()
    model.step_tokens.clear()
    # Two tokens, so that the streams' next ones have come as well.
    answer = await read_answer(engine, GenerateRequest([Segment(long_text)], max_tokens=2))
    have_lasted = not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return streams, answer, have_lasted


def _chunks_alone(options: Options, tokens: list[int], chunk_tokens: int) -> list[float]:
    """The seconds of each whole chunk of the prompt, with nothing else to do."""
    model = TimedModel(options)
    durations_s = []
    for start in range(0, len(tokens) - chunk_tokens + 1, chunk_tokens):
        started_at = time.monotonic()
        model.decode([Slice(0, start, tokens[start : start + chunk_tokens])])
        durations_s.append(time.monotonic() - started_at)
    model.close()
    return durations_s


if __name__ == "__main__":
    main()
