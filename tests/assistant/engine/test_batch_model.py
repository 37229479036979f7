"""The engine on the real 0.5B model: what only real cells, kernels and files can show."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from assistant.engine.backend import Slice
from assistant.engine.batch import BatchEngine
from assistant.engine.core import EngineCore
from assistant.engine.errors import ModelFileChanged
from assistant.engine.interface import (
    Finished,
    GenerateRequest,
    Sampling,
    Segment,
)
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.engine.scheduler import Limits
from assistant.engine.sequence import Sequence
from assistant.engine.snapshots import Snapshots

from .random_schemas import random_case
from .reading import Reader, run

pytestmark = pytest.mark.model

SYSTEM = "You are an on-call assistant. Answer briefly and exactly, in plain words. " * 6
TASKS = (
    "shows free disk space", "lists processes", "shows open ports", "restarts nginx",
    "finds large files", "follows a log", "shows free memory", "shows the uptime",
    "lists users", "ends a process", "shows routes", "resolves a name",
    "shows the kernel version", "lists cron jobs", "shows failed units", "compresses a folder",
)  # fmt: skip
NUM_SCHEMAS = 500
# Logits of the same text differ by up to about this much with the place of its cells and the size
# of the steps: llama.cpp's kernels sum in other orders, and quantize what they get in between.
NOISE = 0.8


def prompt(task: str) -> list[Segment]:
    return [
        Segment("<|im_start|>system\n", is_template=True),
        Segment(SYSTEM),
        Segment("<|im_end|>\n<|im_start|>user\n", is_template=True),
        Segment(f"Which Linux command {task}? Explain it in two sentences."),
        Segment("<|im_end|>\n<|im_start|>assistant\n", is_template=True),
    ]


def generated(model: LlamaModel, tasks: tuple[str, ...], **options: int) -> list[list[int]]:
    """The tokens that follow each prompt, all of them at once in an engine of their own."""
    core = EngineCore(model, Limits(model.max_step_tokens, 64, **options))
    sequences = []
    for task in tasks:
        request = GenerateRequest(prompt(task), max_tokens=32)
        sequences.append(Sequence(request, model.tokenize(request.prompt), 32, Reader()))
        core.admit(sequences[-1])
    while core.step():
        pass
    core.index.clear()
    return [sequence.tokens[len(sequence.prompt) :] for sequence in sequences]


@pytest.fixture(scope="module")
def model_path(model_file: Callable[[str], Path]) -> Path:
    return model_file("qwen2.5-coder-0.5b")


@asynccontextmanager
async def opened(path: Path, snapshots: Snapshots | None = None) -> AsyncIterator[BatchEngine]:
    options = LoadOptions(4096, 2, cache_tokens=8192)
    engine = BatchEngine(lambda: LlamaModel(path, options), snapshots=snapshots)
    try:
        yield engine
    finally:
        await engine.aclose()


def test_greedy_output_of_sixteen_at_once_equals_each_alone(model_path: Path) -> None:
    """But for near ties, which the order of sums in llama.cpp's kernels decides."""
    model = LlamaModel(model_path, LoadOptions(4096, 2, cache_tokens=8192))
    alone = [generated(model, (task,))[0] for task in TASKS]
    together = generated(model, TASKS)
    num_equal = 0
    for task, one, other in zip(TASKS, alone, together, strict=True):
        if one == other:
            num_equal += 1
            continue
        at = next(n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        tokens = model.tokenize(prompt(task)) + one[:at]
        logits = model.decode([Slice(0, 0, tokens)])[0]
        best = np.sort(logits)[-1]
        assert logits[one[at]] > best - NOISE, (task, at)
        assert logits[other[at]] > best - NOISE, (task, at)
        model.release(0, 0)
    model.close()
    assert num_equal >= 12


def test_full_cache_loses_nothing(model_path: Path) -> None:
    small = LlamaModel(model_path, LoadOptions(256, 2))
    core = EngineCore(small, Limits(small.max_step_tokens, 64))
    sequences = []
    for number in range(4):
        request = GenerateRequest([Segment(f"{number}: one, two, three, four, five,")], 80)
        tokens = small.tokenize(request.prompt)
        sequences.append(Sequence(request, tokens, 80, Reader()))
        core.admit(sequences[-1])
    while core.step():
        assert core.index.num_used <= 256
    assert core.status().num_preemptions > 0
    for sequence in sequences:
        last = sequence.reader.events[-1]  # type: ignore[attr-defined]
        assert isinstance(last, Finished)
        assert last.usage.completion_tokens == sequence.num_new == 80
    core.index.clear()
    small.close()


async def test_cancelling_frees_the_cells_at_once(model_path: Path) -> None:
    async with opened(model_path) as engine:
        await engine.warm(prompt("")[:3])
        before = engine.status().num_used_cells
        async with aclosing(engine.generate(GenerateRequest(prompt(TASKS[0]), 500))) as events:
            async for _ in events:
                break
            assert engine.status().num_used_cells > before
        async with asyncio.timeout(5):
            while engine.status().num_used_cells > before:  # noqa: ASYNC110 - another thread's
                await asyncio.sleep(0.005)
        assert engine.status().num_running == 0


FRESH_PROCESS = """
import asyncio, json, sys
from pathlib import Path
from assistant.engine.batch import BatchEngine
from assistant.engine.interface import GenerateRequest, Segment, TextDelta
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.engine.snapshots import Snapshots

async def main(path, folder, system, question):
    snapshots = Snapshots(Path(folder), 1 << 30, "digest")
    engine = BatchEngine(lambda: LlamaModel(Path(path), LoadOptions(4096, 2)), snapshots=snapshots)
    usage = await engine.warm([Segment(system)])
    request = GenerateRequest([Segment(system), Segment(question)], max_tokens=24)
    text = "".join([e.text async for e in engine.generate(request) if isinstance(e, TextDelta)])
    await engine.aclose()
    print(json.dumps([usage.prompt_tokens, usage.cached_tokens, text]))

asyncio.run(main(*sys.argv[1:]))
"""


def in_fresh_process(model_path: Path, folder: Path) -> tuple[int, int, str]:
    """Warm the prefix in a new process and generate: its tokens, those restored, and the text."""
    arguments = [str(model_path), str(folder), SYSTEM, "The command that shows free disk space is"]
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    num_prompt, num_cached, text = json.loads(done.stdout)
    return num_prompt, num_cached, text


def test_snapshot_restored_in_a_new_process_continues_identically(
    model_path: Path, tmp_path: Path
) -> None:
    num_prompt, num_cached, text = in_fresh_process(model_path, tmp_path)
    assert num_cached == 0
    assert len(text) > 20
    assert in_fresh_process(model_path, tmp_path) == (num_prompt, num_prompt, text)
    (snapshot,) = tmp_path.iterdir()
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    snapshot.write_bytes(content)
    assert in_fresh_process(model_path, tmp_path) == (num_prompt, 0, text)


async def test_grammar_bound_calls_always_parse(model_path: Path) -> None:
    """Many random tool schemas and prompts, at a temperature at which the model wanders."""
    async with opened(model_path) as engine:
        at_once = asyncio.Semaphore(32)

        async def call(number: int) -> bool:
            case = random_case(number)
            request = GenerateRequest(
                case.prompt,
                max_tokens=256,
                grammar=engine.grammar_of(case.schema),
                sampling=Sampling(temperature=1.2, seed=number),
            )
            async with at_once:
                text, finished = await run(engine, request)
            if finished.reason == "length":
                return False
            Draft202012Validator(case.schema).validate(json.loads(text))
            return True

        complete = await asyncio.gather(*(call(number) for number in range(NUM_SCHEMAS)))
    assert sum(complete) > 0.95 * NUM_SCHEMAS


async def test_speculation_does_not_change_what_is_quoted(model_path: Path) -> None:
    line = "2026-03-01 12:00:04,118 CRITICAL shop.payments: database at 10.0.0.7:5432 refused"
    request = GenerateRequest(
        [
            Segment("<|im_start|>user\n", is_template=True),
            Segment(f"Repeat this log line word for word, five times:\n{line}"),
            Segment("<|im_end|>\n<|im_start|>assistant\n", is_template=True),
        ],
        max_tokens=160,
    )
    texts = []
    for speculates in (False, True):
        engine = BatchEngine(
            lambda: LlamaModel(model_path, LoadOptions(2048, 2)), speculates=speculates
        )
        texts.append((await run(engine, request))[0])
        await engine.aclose()
    # What is verified together depends on measured costs, so that a near tie after the quotation
    # may fall either way; within it there is none.
    end = texts[0].index(line) + len(line)
    assert texts[1][:end] == texts[0][:end]


async def test_mapped_file_that_was_overwritten_is_noticed(
    model_path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "model.gguf"
    shutil.copyfile(model_path, copy)
    engine = BatchEngine(lambda: LlamaModel(copy, LoadOptions(1024, 2, is_mapped=True)))
    request = GenerateRequest(prompt(TASKS[0]), max_tokens=4)
    await run(engine, request)
    with copy.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    with pytest.raises(ModelFileChanged, match=r"model\.gguf"):
        await run(engine, request)
    await engine.aclose()


async def test_file_that_was_replaced_or_read_into_memory_does_not_matter(
    model_path: Path, tmp_path: Path
) -> None:
    copy, fresh = tmp_path / "model.gguf", tmp_path / "fresh"
    shutil.copyfile(model_path, copy)
    request = GenerateRequest(prompt(TASKS[0]), max_tokens=4)
    mapped = BatchEngine(lambda: LlamaModel(copy, LoadOptions(1024, 2, is_mapped=True)))
    fresh.write_bytes(b"another file")
    fresh.replace(copy)
    text, _ = await run(mapped, request)
    await mapped.aclose()
    shutil.copyfile(model_path, copy)
    loaded = BatchEngine(lambda: LlamaModel(copy, LoadOptions(1024, 2, is_mapped=False)))
    copy.write_bytes(b"overwritten in place, and cut off")
    assert (await run(loaded, request))[0] == text
    await loaded.aclose()
