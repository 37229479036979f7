"""One tool call: under its grammar, against free generation of the same text.

    python benchmarks/tool_call.py [--model NAME] [--json]

The work: a call of one of midwatch's own tools, about 40 tokens of JSON, under the grammar that the
agent binds (its tools, three names of logs), with a prompt that is in the cache. Free generation
has the same prompt without the grammar. The prompt shows the call three times, so that both sides
write the very same text, which is checked. Times are from asking to the end, in one engine, in
turns.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comparing import Options, Row, in_own_process, progress, run_driver

from assistant.agent.bounded import TOOLS
from assistant.agent.toolbox import narrowed
from assistant.benchmark.answers import read_answer
from assistant.benchmark.opening import open_engine
from assistant.chat.tool_calls import forced_call_grammar
from assistant.engine.interface import Engine, GenerateRequest, Segment
from tools.scope import LogSource, Scope

LOGS = ("front", "checkout", "payments")
CALL = json.dumps(
    {
        "name": "search_logs",
        "arguments": {
            "source": "payments",
            "pattern": "too many connections for role payments in pool 20 of 20 after 30 s",
        },
    }
)
PROMPT = f"The same tool call, again and again:\n{CALL}\n{CALL}\n{CALL}\n"


def main() -> None:
    """Measure and print the row."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The row of this comparison."""
    progress("one tool call, with grammar and without, in turns")
    pairs, note = in_own_process(measured, options)
    return [Row("one tool call, grammar", "free generation", "s", pairs, 0.7, True, note)]


def measured(options: Options) -> tuple[list[tuple[float, float]], str]:
    """The seconds of each pair, and a note on the text."""
    return asyncio.run(_measured(options))


async def _measured(options: Options) -> tuple[list[tuple[float, float]], str]:
    with tempfile.TemporaryDirectory() as scratch:
        async with open_engine(options.settings(Path(scratch))) as engine:
            free = GenerateRequest([Segment(PROMPT)], max_tokens=120, stop=("\n",))
            bound = replace(free, grammar=forced_call_grammar(engine, _tools()))
            # The first of each computes the prompt and compiles the grammar.
            texts = {(await _timed(engine, request))[1] for request in (free, bound)}
            pairs = []
            for _ in range(options.runs):
                ours_s, ours = await _timed(engine, bound)
                theirs_s, theirs = await _timed(engine, free)
                pairs.append((ours_s, theirs_s))
                texts |= {ours, theirs}
            num_tokens = engine.count_tokens([Segment(CALL)])
    differs = "" if texts == {CALL} else f"; TEXTS DIFFER: {sorted(texts)}"
    return pairs, f"({num_tokens} tokens{differs})"


async def _timed(engine: Engine, request: GenerateRequest) -> tuple[float, str]:
    asked_at = time.monotonic()
    answer = await read_answer(engine, request)
    return time.monotonic() - asked_at, answer.text.strip()


def _tools() -> list[dict[str, Any]]:
    """The agent's tools as they are bound where there are logs and nothing else."""
    logs = {name: LogSource(name, ()) for name in LOGS}
    return narrowed(TOOLS, Scope("files", datetime.now(UTC), logs))


if __name__ == "__main__":
    main()
