"""A fresh process to its first token: with a snapshot of the prefix against without.

    python benchmarks/fresh_start.py [--model NAME] [--prompt-tokens 700] [--json]

The work: start a Python process, import midwatch, load the model, make sure of a prefix of 700
tokens (computed, or restored from the snapshot that the process before it left), and read the first
token of an answer behind it. The model file is in the page cache. The second row leaves out what
comes before the model is loaded, which no snapshot can shorten.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from comparing import Options, Row, in_own_process, progress, run_driver

from assistant.benchmark.opening import open_engine
from assistant.benchmark.starting import Start, fresh_start
from assistant.benchmark.workload import Workload, prefix_of, question_of


def main() -> None:
    """Measure and print the rows."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The rows of this comparison."""
    prefix = in_own_process(_prefix, options)
    pairs = [asyncio.run(_pair(options, prefix, run)) for run in range(options.runs)]
    whole = [(restored.ttft_s, cold.ttft_s) for restored, cold in pairs]
    after = [(_after_opening(restored), _after_opening(cold)) for restored, cold in pairs]
    missed = sum(restored.cached_tokens == 0 for restored, _ in pairs)
    note = f"(no snapshot was found in {missed} runs)" if missed else ""
    return [
        Row("fresh process to first token, snapshot", "without", "s", whole, 1 / 3, True, note),
        Row("  of it once the model is loaded", "without", "s", after, None, True, note),
    ]


async def _pair(options: Options, prefix: str, run: int) -> tuple[Start, Start]:
    """A start with a snapshot, and the one without that came before it and made it."""
    progress(f"fresh processes: pair {run + 1}")
    workload = Workload(prefix, options.answer_tokens)
    with tempfile.TemporaryDirectory() as scratch:
        settings = options.settings(Path(scratch))
        cold = await fresh_start(settings, workload, question_of(2 * run))
        restored = await fresh_start(settings, workload, question_of(2 * run + 1))
    return restored, cold


def _after_opening(start: Start) -> float:
    return start.ttft_s - start.opened_s


def _prefix(options: Options) -> str:
    return asyncio.run(_make_prefix(options))


async def _make_prefix(options: Options) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        async with open_engine(options.settings(Path(scratch))) as engine:
            return prefix_of(options.prompt_tokens, 1, engine.count_tokens)


if __name__ == "__main__":
    main()
