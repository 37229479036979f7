"""Many people at one `midwatch serve` for a while: failures, lost events, memory, waiting.

    python benchmarks/server_soak.py --bundle DIR [--clients 50] [--minutes 10] [--model NAME]

A server of its own on a fresh data folder; each client is a `RemoteAssistant` that asks one thing
after the other: what is wrong in the bundle, counts, what a runbook says, its sessions. Every event
stream is checked: numbers without gaps, one end. Memory is the server's resident set, the middle
third of the time against the last. Waiting is until the first words of an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from assistant.client.finding import ServerAddress, answers
from assistant.client.http import open_client
from assistant.client.remote import RemoteAssistant, open_remote_assistant
from assistant.events import TextDelta, TurnFailed, TurnFinished, TurnStarted
from assistant.interface import AskRequest, SearchRequest

QUESTIONS = (
    "What is wrong here?",
    "How many errors are there?",
    "Which message comes most often?",
    "When did it begin?",
    "Is anything wrong?",
    "What should be done about it?",
)
OWN_SHARE = "midwatch_turn_own_seconds"
_START_S = 180.0


@dataclass
class Tally:
    """What came of it."""

    waits_s: list[float] = field(default_factory=list)
    turns_s: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    num_other: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)


def main() -> None:
    """Run the clients and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = soak(chosen, Path(folder))
    print(json.dumps(figures, indent=1))


def soak(chosen: argparse.Namespace, folder: Path) -> dict[str, object]:
    """The figures of one run."""
    socket = folder / "s.sock"
    environment = {
        **os.environ,
        "MIDWATCH_DATA_DIR": str(folder / "data"),
        "MIDWATCH_SERVER_SOCKET": str(socket),
        "MIDWATCH_MODEL_NAME": chosen.model,
        "MIDWATCH_HOST_LOOK": "false",
        # Each question is to be worked on.
        "MIDWATCH_ANSWERS_CACHE": "false",
    }
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "assistant.cli", "serve"]
        server = subprocess.Popen(command, env=environment, stderr=log)
        try:
            return asyncio.run(_run(chosen, socket, server))
        finally:
            server.terminate()
            server.wait(90)


async def _run(
    chosen: argparse.Namespace, socket: Path, server: subprocess.Popen[bytes]
) -> dict[str, object]:
    deadline = time.monotonic() + _START_S
    while not answers(socket):
        assert time.monotonic() < deadline, "the server does not start"
        await asyncio.sleep(0.1)
    address = ServerAddress(socket=socket)
    tally = Tally()
    until = time.monotonic() + chosen.minutes * 60
    async with open_remote_assistant(address) as assistant:
        watching = asyncio.create_task(_watch(server.pid, tally, until))
        clients = [
            _client(assistant, chosen.bundle, n, until, tally) for n in range(chosen.clients)
        ]
        await asyncio.gather(*clients)
        await watching
        async with open_client(address) as client:
            text = (await client.get("/metrics")).text
    return {**_figures(tally), "own_share_mean_ms": _mean_ms(text, OWN_SHARE)}


async def _client(
    assistant: RemoteAssistant, bundle: Path, number: int, until: float, tally: Tally
) -> None:
    chance = random.Random(number)
    for _ in itertools.count():
        if time.monotonic() >= until:
            return
        kind = chance.random()
        try:
            if kind < 0.7:
                await _ask(assistant, AskRequest(chance.choice(QUESTIONS), bundle=bundle), tally)
            elif kind < 0.85:
                await assistant.search(SearchRequest("pool exhausted"))
                tally.num_other += 1
            else:
                await assistant.sessions()
                tally.num_other += 1
        except Exception as error:  # noqa: BLE001 - a failure is what is counted
            tally.failed.append(repr(error))
        await asyncio.sleep(chance.random())


async def _ask(assistant: RemoteAssistant, request: AskRequest, tally: Tally) -> None:
    began = time.monotonic()
    first = None
    kinds = []
    async with aclosing(assistant.ask(request)) as events:
        async for event in events:
            kinds.append(type(event))
            if first is None and isinstance(event, TextDelta):
                first = time.monotonic() - began
            if isinstance(event, TurnFailed):
                tally.failed.append(f"{event.code}: {event.message}")
                return
    is_whole = kinds[0] is TurnStarted and kinds.count(TurnFinished) == 1
    if first is None or not is_whole or kinds[-1] is not TurnFinished:
        tally.failed.append(f"events: {[kind.__name__ for kind in kinds]}")
        return
    tally.waits_s.append(first)
    tally.turns_s.append(time.monotonic() - began)


async def _watch(pid: int, tally: Tally, until: float) -> None:
    process = psutil.Process(pid)
    began = time.monotonic()
    while time.monotonic() < until:
        tally.memory.append((time.monotonic() - began, process.memory_info().rss))
        await asyncio.sleep(1.0)


def _figures(tally: Tally) -> dict[str, object]:
    waits = sorted(tally.waits_s)
    third = len(tally.memory) // 3
    middle = statistics.mean(size for _, size in tally.memory[third : 2 * third])
    last = statistics.mean(size for _, size in tally.memory[2 * third :])
    return {
        "turns": len(waits),
        "other_requests": tally.num_other,
        "failed": len(tally.failed),
        "failures": tally.failed[:5],
        "ttft_p50_s": round(_quantile(waits, 0.5), 2),
        "ttft_p95_s": round(_quantile(waits, 0.95), 2),
        "turn_p95_s": round(_quantile(sorted(tally.turns_s), 0.95), 2),
        "memory_mib": round(last / (1 << 20)),
        "memory_last_against_middle": round(last / middle, 4),
    }


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _mean_ms(text: str, name: str) -> float:
    """The mean of a histogram in the metrics' text form, in milliseconds."""
    lines = text.splitlines()

    def value(part: str) -> float:
        found = [line for line in lines if line.startswith(f"{name}_{part}")]
        return sum(float(line.split()[-1]) for line in found)

    return round(1000 * value("sum") / max(1.0, value("count")), 2)


if __name__ == "__main__":
    main()
