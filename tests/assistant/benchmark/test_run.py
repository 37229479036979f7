from __future__ import annotations

from pathlib import Path

import pytest

from assistant.benchmark import run
from assistant.benchmark.figures import CacheHits, Plan, Report
from assistant.benchmark.run import measure
from assistant.benchmark.starting import Start
from assistant.benchmark.workload import Workload
from assistant.engine.errors import EngineBusy
from assistant.errors import MidwatchError
from assistant.settings import DataSettings, Settings

from .scripted import FOOTPRINT, Opener

PLAN = Plan(users=(1, 3), prompt_tokens=100, answer_tokens=8, runs=3)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(dir=tmp_path / "data"))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """The data folder and question of each fresh process, none of which is really started."""
    seen: list[tuple[Path, str]] = []

    async def start(settings: Settings, workload: Workload, question: str) -> Start:
        is_first = all(folder != settings.data.dir for folder, _ in seen)
        seen.append((settings.data.dir, question))
        ttft_s = 5.0 + len(seen) if is_first else 2.0
        return Start(1.0, 1.5, ttft_s, 0 if is_first else 100)

    monkeypatch.setattr(run, "fresh_start", start)
    return seen


async def measured(settings: Settings, opener: Opener) -> Report:
    return await measure(settings, PLAN, lambda _: None, opener, lambda _: FOOTPRINT)


async def test_everything_is_measured(settings: Settings, starts: list[tuple[Path, str]]) -> None:
    opener = Opener()
    told: list[str] = []
    report = await measure(settings, PLAN, told.append, opener, lambda _: FOOTPRINT)
    assert report.model == "scripted"
    assert [load.users for load in report.loads] == [1, 3]
    assert all(load.tokens_per_s > 0.0 for load in report.loads)
    assert report.rates.prefill_tokens_per_s > 0.0
    assert report.rates.decode_tokens_per_s > 0.0
    assert report.memory.kv_cache_mib == pytest.approx(1000.0)
    assert report.memory.peak_rss_mib > 1.0
    assert report.machine.threads == 2
    assert "users at once: 3" in told
    [engine] = opener.opened
    assert engine.is_closed


async def test_users_ask_at_once_behind_one_prefix_and_nothing_twice(
    settings: Settings, starts: list[tuple[Path, str]]
) -> None:
    opener = Opener()
    await measured(settings, opener)
    [engine] = opener.opened
    assert engine.most_at_once == 3
    asked = [request for request in engine.requests if request.max_tokens == PLAN.answer_tokens]
    prefixes, questions = zip(*([part.text for part in r.prompt] for r in asked), strict=True)
    assert len(set(prefixes)) == 1
    # The single user, then one and three users, three times each.
    assert len(questions) == len(set(questions)) == 3 + 3 + 9


async def test_a_prompt_that_is_timed_was_never_seen(
    settings: Settings, starts: list[tuple[Path, str]]
) -> None:
    opener = Opener()
    await measured(settings, opener)
    [engine] = opener.opened
    prefills = [r.prompt[0].text for r in engine.requests if r.max_tokens == 1]
    assert len(prefills) == len(set(prefills)) == PLAN.runs


async def test_hits_are_counted_over_the_users(
    settings: Settings, starts: list[tuple[Path, str]]
) -> None:
    report = await measured(settings, Opener())
    assert report.cache.cached_tokens == 12 * PLAN.prompt_tokens
    assert report.cache.prompt_tokens > report.cache.cached_tokens
    assert report.preemptions == 0


async def test_fresh_processes_come_in_pairs_of_one_folder(
    settings: Settings, starts: list[tuple[Path, str]]
) -> None:
    report = await measured(settings, Opener())
    folders, questions = zip(*starts, strict=True)
    assert list(folders[::2]) == list(folders[1::2])
    assert len(set(folders)) == PLAN.runs
    assert len(set(questions)) == 2 * PLAN.runs
    assert settings.data.dir not in folders
    # Cold starts took 6, 8 and 10 s.
    assert report.first_token.cold_s == 8.0
    assert report.first_token.snapshot_s == 2.0
    assert report.first_token.loading_s == 1.0
    assert report.first_token.restored_tokens == 100


async def test_a_plan_beyond_the_context_is_refused_with_its_figures(settings: Settings) -> None:
    opener = Opener(context_tokens=150)
    with pytest.raises(MidwatchError, match="need 208 tokens, and the context holds 150"):
        await measured(settings, opener)
    [engine] = opener.opened
    assert engine.is_closed
    assert engine.requests == []


async def test_an_engine_that_is_busy_says_so_itself(settings: Settings) -> None:
    opener = Opener(max_at_once=2)
    with pytest.raises(EngineBusy, match="position 3"):
        await measured(settings, opener)
    assert opener.opened[0].is_closed


def test_the_share_of_hits() -> None:
    assert CacheHits(prompt_tokens=200, cached_tokens=150).share == 0.75
    assert CacheHits(prompt_tokens=0, cached_tokens=0).share == 0.0
