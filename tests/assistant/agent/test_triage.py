from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.agent.triage import FirstLook, first_look
from assistant.events import ToolStarted
from tests.assistant.agent.scene import BROKEN, HEALTHY, Scene, bundle
from tests.assistant.chat.scripted import ScriptedEngine
from tools.evidence import Evidence, Finding
from tools.scope import ServiceState

DESCRIBED = "Name: cart-1\nLast State: Terminated\n  Reason: OOMKilled\n  Exit Code: 137\n"


class Manager:
    """A service manager with one service that is down."""

    name = "manager"

    def list_services(self) -> list[ServiceState]:
        return [
            ServiceState("cart", "FATAL", False, "exited too quickly"),
            ServiceState("front", "RUNNING", True, "running for 3 min"),
        ]


async def look(scene: Scene, question: str) -> FirstLook:
    turn = scene.turn(question)
    return await first_look(turn.question, turn.toolbox)


def scene(tmp_path: Path, log: str = BROKEN, captures: dict[str, str] | None = None) -> Scene:
    scope = bundle(tmp_path / "bundle", {"cart": log}, captures)
    return Scene(scope, ScriptedEngine(), tmp_path)


async def test_everything_in_scope_is_examined_and_the_lead_comes_first(tmp_path: Path) -> None:
    stage = scene(tmp_path, captures={"describe.txt": DESCRIBED})
    stage.scope = type(stage.scope)(
        "live", stage.scope.now, stage.scope.logs, stage.scope.captures, (Manager(),)
    )
    found = await look(stage, "What is wrong?")
    names = {event.name for event in stage.events if isinstance(event, ToolStarted)}
    assert names == {"analyze_logs", "read_captures", "list_services", "search_runbooks"}
    texts = [item.finding.text for item in found.facts]
    assert any("disk is full" in text for text in texts)
    assert any("OOMKilled" in text for text in texts)
    assert any("cart FATAL" in text for text in texts)
    suspicions = [item.finding.suspicion for item in found.facts]
    assert suspicions == sorted(suspicions, reverse=True)


async def test_background_noise_is_left_out_behind_a_lead(tmp_path: Path) -> None:
    found = await look(scene(tmp_path), "What is wrong?")
    assert not any("order 17 placed" in item.finding.text for item in found.facts)


async def test_best_lead_of_each_kind_is_kept(tmp_path: Path) -> None:
    many = "\n".join(
        f"Warning  FailedMount  pod/cart-{n}  no such volume {n * 37}" for n in range(9)
    )
    stage = scene(tmp_path, captures={"events.txt": many})
    found = await look(stage, "What is wrong?")
    assert {item.finding.kind for item in found.facts} == {"log", "capture"}


async def test_quoted_words_are_searched_and_come_first(tmp_path: Path) -> None:
    found = await look(scene(tmp_path), "Was there any 'order 17 placed' in cart?")
    assert found.evidence[0].finding.text.endswith("order 17 placed")
    assert "40 matching lines" in found.asked_summary


async def test_time_range_of_the_question_limits_every_look(tmp_path: Path) -> None:
    old = "2026-02-27 12:00:00,000 ERROR shop.cart: old trouble\n"
    found = await look(scene(tmp_path, old + HEALTHY), "What went wrong in the last 30 minutes?")
    assert not any("old trouble" in item.finding.text for item in found.facts)
    assert "since 2026-03-01 11:30:00Z" in found.overview[0]


async def test_runbook_is_found_by_the_words_of_the_evidence(tmp_path: Path) -> None:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "disk.md").write_text(
        "# Disk is full\n\n## Symptoms\n\nServices log `disk is full`.\n\n"
        "## Fix\n\n1. Free space: `journalctl --vacuum-size=1G`\n"
    )
    (runbooks / "holidays.md").write_text("# Holidays\n\nWho is away when.\n")
    stage = scene(tmp_path)
    stage.runbooks = _shared_embedder(stage, runbooks)
    found = await look(stage, "Customers see an empty basket. What now?")
    (runbook,) = [item for item in found.evidence if item.finding.kind == "runbook"]
    assert runbook.finding.source == "runbooks/disk.md"
    assert runbook.finding.text.startswith("## Fix")


DISK_RUNBOOK = "# Disk is full\n\n## Fix\n\n1. Free space: `journalctl --vacuum-size=1G`\n"
CACHE_RUNBOOK = "# Cache lost its keys\n\n## Fix\n\n1. Warm the cache again: `warm-cache`\n"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        # Alone it says nothing about a runbook.
        ("And how do I do it?", "cache.md"),
        # It leans too, and finds one by itself.
        ("Or is it the disk that is full?", "disk.md"),
        # It stands alone: what was asked before is not its subject.
        ("Whose birthday falls on Tuesday?", None),
    ],
)
async def test_follow_up_finds_the_runbook_of_what_it_leans_on(
    tmp_path: Path, asked: str, found: str | None
) -> None:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "disk.md").write_text(DISK_RUNBOOK)
    (runbooks / "cache.md").write_text(CACHE_RUNBOOK)
    stage = scene(tmp_path, HEALTHY)
    stage.runbooks = _shared_embedder(stage, runbooks)
    turn = stage.turn(asked)
    earlier = ("How do I warm the cache again after it lost its keys?", "Really?")
    seen = await first_look(replace(turn.question, earlier=earlier), turn.toolbox)
    runbooks_found = [item for item in seen.evidence if item.finding.kind == "runbook"]
    names = [Path(item.finding.source).name for item in runbooks_found]
    assert names == ([found] if found else [])


async def test_failing_source_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    stage = scene(tmp_path, captures={"describe.txt": DESCRIBED})
    next(iter(stage.scope.logs.values())).paths[0].unlink()
    found = await look(stage, "What is wrong?")
    assert any("OOMKilled" in item.finding.text for item in found.facts)
    assert any("cart" in text for text in found.overview)


@pytest.mark.parametrize(
    ("suspicions", "num_leads"),
    [([0.9, 0.8, 0.7], 2), ([0.5, 0.3, 0.2], 2), ([0.2, 0.15, 0.05], 2), ([], 0)],
)
def test_leads_are_not_much_weaker_than_the_strongest(
    suspicions: list[float], num_leads: int
) -> None:
    evidence = tuple(
        Evidence(f"L{n}", Finding("log", "cart", str(n), n, suspicion=suspicion))
        for n, suspicion in enumerate(suspicions, 1)
    )
    assert len(FirstLook(evidence, ()).leads) == num_leads


def _shared_embedder(stage: Scene, runbooks: Path) -> object:
    """A knowledge base that uses the embedding model exported for all tests."""
    import platformdirs

    from knowledge.base import open_knowledge_base

    base = open_knowledge_base(
        runbooks.parent / "data", Path(platformdirs.user_cache_dir("midwatch"))
    )
    base.ingest([runbooks])
    return base


async def test_the_line_that_says_why_comes_before_the_state_it_led_to(tmp_path: Path) -> None:
    log = '/bin/sh: syntax error: unexpected "fi"\n'
    pods = "NAME READY STATUS RESTARTS AGE\nscraper-1 0/1 Error 0 23h\n"
    stage = scene(tmp_path, log, {"pods.txt": pods})
    found = await look(stage, "Why did the scraper fail?")
    kinds = [item.finding.kind for item in found.facts]
    assert kinds[0] == "log"
    assert "capture" in kinds
    alone = Scene(bundle(tmp_path / "c", {}, {"pods.txt": pods}), ScriptedEngine(), tmp_path / "c")
    found = await look(alone, "Why did the scraper fail?")
    assert found.facts[0].finding.kind == "capture"
