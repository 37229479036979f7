import asyncio
import sys
import time
from pathlib import Path

import psutil
import pytest

from assistant.benchmark.starting import fresh_start
from assistant.benchmark.workload import Workload
from assistant.errors import MidwatchError
from assistant.settings import DataSettings, ModelSettings, Settings

WORKLOAD = Workload("the prefix", 4)
# What a fresh process does, without a model: it sees its task, and the times are made up.
ANSWERS = """
import json, sys, time
task = json.load(sys.stdin)
assert task["workload"] == {"prefix": "the prefix", "answer_tokens": 4}, task
assert task["question"] == " why?", task
assert set(task["settings"]) == {"model", "data"}, task
now = time.time()
print(json.dumps({"opened_at": now, "warmed_at": now + 1, "first_token_at": now + 3,
                  "cached_tokens": 2}))
"""
FAILS = "import sys; sys.stdin.read(); sys.exit('no such model')"
HANGS = "import time; time.sleep(600)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(model=ModelSettings(name="x"), data=DataSettings(dir=tmp_path))


def command(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


async def test_a_start_is_told_its_task_and_timed_from_its_beginning(settings: Settings) -> None:
    start = await fresh_start(settings, WORKLOAD, " why?", command(ANSWERS))
    assert start.opened_s > 0.0
    assert start.warmed_s == pytest.approx(start.opened_s + 1)
    assert start.ttft_s == pytest.approx(start.opened_s + 3)
    assert start.cached_tokens == 2


async def test_a_process_that_fails_is_an_error_with_its_last_words(settings: Settings) -> None:
    with pytest.raises(MidwatchError, match="status 1: no such model"):
        await fresh_start(settings, WORKLOAD, " why?", command(FAILS))


async def test_cancelling_kills_the_process(settings: Settings) -> None:
    task = asyncio.create_task(fresh_start(settings, WORKLOAD, " why?", command(HANGS)))
    await asyncio.to_thread(await_hanging)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not hanging()


def await_hanging() -> None:
    deadline = time.monotonic() + 60
    while not hanging():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def hanging() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if HANGS in child.cmdline()]
