"""`midwatch bench`: what it prints, what it refuses, and that it ends with all its processes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from assistant.benchmark.answers import LoadFigures
from assistant.benchmark.figures import (
    CacheHits,
    FirstToken,
    Machine,
    Memory,
    Plan,
    Rates,
    Report,
)
from assistant.settings import Settings
from tests.assistant.cli.program import LIGHT_MODEL, Program, Ran

# Small enough for a test, and everything that a report has.
SHORT = ("--users", "1,2", "--prompt-tokens", "64", "--answer-tokens", "4", "--runs", "1")


def report_of(settings: Settings, plan: Plan) -> Report:
    return Report(
        model=settings.model.name,
        machine=Machine("Linux", "x86_64", 2, 2),
        plan=plan,
        first_token=FirstToken(6.25, 1.5, 1.2, 700, 0.123456),
        rates=Rates(prefill_tokens_per_s=178.4, decode_tokens_per_s=37.66),
        loads=[LoadFigures(users, 50.0 + users, 0.5, 1.25, 0.04, 0.5) for users in plan.users],
        memory=Memory(2048.0, 224.0, 8192, 900),
        cache=CacheHits(1000, 950),
        preemptions=2,
    )


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What would be measured; the figures are made up."""
    seen: list[Plan] = []

    async def measure(settings: Settings, plan: Plan, progress: Callable[[str], None]) -> Report:
        progress("everything")
        seen.append(plan)
        return report_of(settings, plan)

    monkeypatch.setattr("assistant.benchmark.run.measure", measure)
    return seen


def test_the_report_is_tables(midwatch: Callable[..., Ran], plans: list[Plan]) -> None:
    ran = midwatch("bench", "--users", "1, 8")
    assert ran.status == 0
    assert ran.err == "measuring: everything\n"
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "first token, fresh process 6.25 s" in lines
    assert "with a snapshot of the prefix 1.50 s" in lines
    assert "prompt tokens from the cache 95.0 %" in lines
    assert "8 58.0 0.50 1.25 40 500" in lines
    assert "2 requests had to give way: the KV cache was full" in lines


def test_json_has_every_figure_rounded(midwatch: Callable[..., Ran], plans: list[Plan]) -> None:
    ran = midwatch("bench", "--users", "4", "--json")
    assert json.loads(ran.out) == {
        "model": "qwen2.5-coder-1.5b",
        "machine": {"system": "Linux", "architecture": "x86_64", "processors": 2, "threads": 2},
        "plan": {"users": [4], "prompt_tokens": 700, "answer_tokens": 64, "runs": 3},
        "first_token": {
            "cold_s": 6.25,
            "snapshot_s": 1.5,
            "loading_s": 1.2,
            "restored_tokens": 700,
            "warm_s": 0.1235,
        },
        "rates": {"prefill_tokens_per_s": 178.4, "decode_tokens_per_s": 37.66},
        "loads": [
            {
                "users": 4,
                "tokens_per_s": 54.0,
                "ttft_median_s": 0.5,
                "ttft_slowest_s": 1.25,
                "gap_median_s": 0.04,
                "gap_longest_s": 0.5,
            }
        ],
        "memory": {
            "peak_rss_mib": 2048.0,
            "kv_cache_mib": 224.0,
            "kv_cells": 8192,
            "kv_used_cells": 900,
        },
        "cache": {"prompt_tokens": 1000, "cached_tokens": 950, "share": 0.95},
        "preemptions": 2,
    }


def test_the_plan_is_what_the_options_say(midwatch: Callable[..., Ran], plans: list[Plan]) -> None:
    midwatch("bench", *SHORT)
    midwatch("bench")
    assert plans == [Plan((1, 2), 64, 4, 1), Plan((1, 2, 4, 8, 16), 700, 64, 3)]


def test_another_model_may_be_named(midwatch: Callable[..., Ran], plans: list[Plan]) -> None:
    for arguments in (("bench", "--model", LIGHT_MODEL), ("--model", LIGHT_MODEL, "bench")):
        assert json.loads(midwatch(*arguments, "--json").out)["model"] == LIGHT_MODEL


@pytest.mark.parametrize("users", ["", "0", "1,,2", "two", "-1", "1,257", "1.5", "²"])
def test_numbers_of_users_that_make_no_sense_are_refused(
    midwatch: Callable[..., Ran], plans: list[Plan], users: str
) -> None:
    ran = midwatch("bench", "--users", users)
    assert ran.status == 2
    assert "give numbers from 1 to 256, as 1,2,4" in ran.said
    assert plans == []


def test_a_model_on_a_server_is_refused(
    midwatch: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_MODEL_PROVIDER", "openai")
    monkeypatch.setenv("MIDWATCH_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    ran = midwatch("bench")
    assert ran.status == 1
    assert "only a local model can be measured" in ran.said


def test_a_model_that_is_not_there_is_named(midwatch: Callable[..., Ran]) -> None:
    ran = midwatch("bench", "--model", "nowhere.gguf")
    assert ran.status == 1
    assert "nowhere.gguf" in ran.said


@pytest.mark.model
def test_the_light_model_is_measured(program: Program) -> None:
    ran = program.run("bench", *SHORT, "--json")
    assert ran.status == 0, ran.err
    report = json.loads(ran.out)
    assert [load["users"] for load in report["loads"]] == [1, 2]
    assert all(load["tokens_per_s"] > 0 for load in report["loads"])
    assert all(figure > 0 for figure in report["first_token"].values())
    assert all(rate > 0 for rate in report["rates"].values())
    # Three questions behind a prefix of 64 tokens that was there already.
    assert report["cache"]["cached_tokens"] >= 3 * 60
    assert 0.4 < report["cache"]["share"] < 1.0
    assert report["memory"]["peak_rss_mib"] > report["memory"]["kv_cache_mib"] > 1


@pytest.mark.model
def test_ctrl_c_ends_it_and_its_processes(program: Program) -> None:
    process = program.start("bench", *SHORT)
    children = await_children(process.pid)
    # As a terminal does not: only midwatch itself gets the signal.
    process.send_signal(signal.SIGINT)
    ran = program.wait(process)
    assert ran.status == 130, ran.err
    assert ran.said.endswith("interrupted\n")
    assert not any(is_alive(child) for child in children)


def await_children(pid: int) -> list[psutil.Process]:
    """The fresh processes that are measured, once there is one."""
    deadline = time.monotonic() + 100
    parent = psutil.Process(pid)
    while not (children := parent.children()):
        assert time.monotonic() < deadline
        assert parent.is_running()
        time.sleep(0.05)
    return children


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
