"""A fresh process on its way to its first token: started here, and what it does itself.

Run as a module it is that process. It reads its task from standard input, opens the engine, makes
sure of the prefix as every midwatch process does, asks, and writes one line with the first token.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

from assistant.benchmark.opening import open_engine
from assistant.benchmark.workload import Workload
from assistant.engine.interface import TextDelta, Usage
from assistant.errors import MidwatchError
from assistant.settings import Settings

CHILD = (sys.executable, "-m", "assistant.benchmark.starting")
_SETTINGS_PARTS = {"model", "data"}


@dataclass(frozen=True, slots=True)
class Start:
    """A fresh process up to its first token, in seconds since it was started.

    `opened_s` is when the model was loaded, `warmed_s` when the prefix was there; `cached_tokens`
    of it came from a snapshot.
    """

    opened_s: float
    warmed_s: float
    ttft_s: float
    cached_tokens: int


async def fresh_start(
    settings: Settings, workload: Workload, question: str, command: Sequence[str] = CHILD
) -> Start:
    """Start a process, let it answer `question`, and wait for its end.

    A snapshot that it finds in the data folder of `settings` is used; one that is missing is left
    there. Raises MidwatchError when the process fails. Cancelling kills it.
    """
    started_at = time.time()
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        task = _as_task(settings, workload, question)
        output, errors = await process.communicate(json.dumps(task).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise MidwatchError(
            f"the fresh process ended with status {process.returncode}: {reason}",
            "look at: midwatch doctor",
        )
    return _since(started_at, json.loads(output))


def _as_task(settings: Settings, workload: Workload, question: str) -> dict[str, Any]:
    return {
        "settings": settings.model_dump(mode="json", include=_SETTINGS_PARTS),
        "workload": asdict(workload),
        "question": question,
    }


def _since(started_at: float, line: dict[str, Any]) -> Start:
    return Start(
        opened_s=line["opened_at"] - started_at,
        warmed_s=line["warmed_at"] - started_at,
        ttft_s=line["first_token_at"] - started_at,
        cached_tokens=line["cached_tokens"],
    )


async def _run(task: dict[str, Any]) -> dict[str, Any]:
    """What the fresh process does. Moments are of the wall clock, which processes share."""
    settings = Settings.model_validate(task["settings"])
    workload = Workload(**task["workload"])
    async with open_engine(settings, is_brief=True) as engine:
        opened_at = time.time()
        usage: Usage = await engine.warm(workload.prefix_prompt())
        warmed_at = time.time()
        async with aclosing(engine.generate(workload.request(task["question"]))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
            first_token_at = time.time()
    return {
        "opened_at": opened_at,
        "warmed_at": warmed_at,
        "first_token_at": first_token_at,
        "cached_tokens": usage.cached_tokens,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(json.load(sys.stdin)))))
