"""Where the time to the first word goes: `--help`, a cold `ask`, and warm questions.

    python benchmarks/first_word.py [--runs 5] [--model NAME]

The workload is made here and is always the same: a bundle of three logs with 12,000 lines, in which
one service loses its database, and the shop's runbooks. Each figure is the median of the runs, with
the lowest and highest; compare ratios within one run, not figures of different machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assistant.demo.system import RUNBOOKS
from assistant.events import TurnFinished, TurnUsage
from assistant.interface import AskRequest
from assistant.live import open_runbooks
from assistant.local import open_local_assistant
from assistant.providers import models_dir
from assistant.settings import DataSettings, Settings, load_settings

MIDWATCH = (sys.executable, "-m", "assistant.cli")
QUESTIONS = (
    "What is wrong with the shop?",
    "Customers cannot pay. What is the cause?",
    "What should I do about the payments service?",
)
SEED = 7
LINES_PER_LOG = 4000


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as scratch:
        folder = Path(scratch)
        write_bundle(folder / "bundle")
        settings = isolated(chosen.model, folder / "data")
        with open_runbooks(settings) as runbooks:
            runbooks.ingest([RUNBOOKS])
        print_row(
            "midwatch --help", "s", [timed([*MIDWATCH, "--help"]) for _ in range(chosen.runs)]
        )
        report_cold(chosen, folder)
        asyncio.run(report_warm(settings, folder / "bundle", chosen.runs))


def report_cold(chosen: argparse.Namespace, folder: Path) -> None:
    """A fresh process for each question: what is spent before the turn, and in it."""
    answers = [list(cold(chosen.model, folder)) for _ in range(chosen.runs)]
    print_row("cold ask: process start to first word", "s", [a[0] for a in answers])
    print_row("  of it before the turn (imports, opening)", "s", [a[1] for a in answers])
    print_phases([TurnUsage(**a[2]) for a in answers])


def cold(model: str, folder: Path) -> Iterator[Any]:
    """Seconds to the first word and before the turn, and the turn's usage."""
    command = [*MIDWATCH, "--model", model, "--data-dir", str(folder / "data"), "ask", "--json"]
    environment = {**os.environ, "MIDWATCH_MODEL_DIR": str(models_dir(load_settings().settings))}
    started = time.monotonic()
    done = subprocess.run(
        [*command, "--bundle", str(folder / "bundle"), QUESTIONS[0]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
    )
    wall_s = time.monotonic() - started
    usage = json.loads(done.stdout)["usage"]
    # What the process did after the turn (closing the model) counts as before it: it is 0.1 s.
    before_s = wall_s - usage["total_s"]
    yield before_s + usage["ttft_s"]
    yield before_s
    yield usage


async def report_warm(settings: Settings, bundle: Path, runs: int) -> None:
    """Questions to an assistant whose model is loaded and whose stable prefix is cached."""
    usages = []
    async with open_local_assistant(settings) as assistant:
        for question in (QUESTIONS * (runs + 1))[: runs + 1]:
            async with aclosing(assistant.ask(AskRequest(question, bundle=bundle))) as events:
                async for event in events:
                    if isinstance(event, TurnFinished):
                        usages.append(event.usage)
    warm = usages[1:]
    print_row("warm question: to first word", "s", [usage.ttft_s for usage in warm])
    print_row("  whole answer", "s", [usage.total_s for usage in warm])
    print_row("  prompt tokens", "", [usage.prompt_tokens for usage in warm])
    print_row("  of them cached", "", [usage.cached_tokens for usage in warm])
    print_phases(warm)


def print_phases(usages: Sequence[TurnUsage]) -> None:
    """One row for each phase that took place."""
    for name in dict.fromkeys(name for usage in usages for name in usage.phases_s):
        print_row(f"  phase {name}", "s", [usage.phases_s.get(name, 0.0) for usage in usages])


def print_row(name: str, unit: str, values: Sequence[float]) -> None:
    """Median, lowest and highest of `values`."""
    figures = statistics.median(values), min(values), max(values)
    print(
        f"{name:44} " + "  ".join(f"{figure:8.2f}" for figure in figures) + f" {unit}", flush=True
    )


def timed(command: Sequence[str]) -> float:
    """Seconds that `command` takes."""
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


def isolated(model: str, data_dir: Path) -> Settings:
    """Settings of their own, with the user's model files."""
    settings = load_settings().settings
    model_settings = settings.model.model_copy(update={"name": model, "dir": models_dir(settings)})
    return settings.model_copy(update={"model": model_settings, "data": DataSettings(dir=data_dir)})


def write_bundle(folder: Path) -> None:
    """Three logs of an hour; payments loses its database three quarters through."""
    randomness = random.Random(SEED)
    (folder / "logs").mkdir(parents=True)
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for name in ("front", "checkout", "payments"):
        lines = [
            line(name, start + timedelta(seconds=0.9 * n), n / LINES_PER_LOG, randomness)
            for n in range(LINES_PER_LOG)
        ]
        (folder / "logs" / f"{name}.log").write_text("\n".join(lines) + "\n")


def line(name: str, at: datetime, share: float, randomness: random.Random) -> str:
    """One log line; `share` is how far into the hour it is."""
    order, took_ms = randomness.randint(1000, 9999), randomness.randint(20, 90)
    stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    if share < 0.75 or randomness.random() < 0.2:
        return f"{stamp} INFO shop.{name}: order {order} done in {took_ms} ms"
    trouble = {
        "front": f"ERROR shop.front: 502 from checkout for order {order}",
        "checkout": f"ERROR shop.checkout: payments refused the connection for order {order}",
        "payments": "CRITICAL shop.payments: database at 10.0.0.7:5432: too many connections",
    }
    return f"{stamp} {trouble[name]}"


if __name__ == "__main__":
    main()
