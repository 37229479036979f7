from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.agent.comparing import compare_scope, read_comparison
from tests.assistant.agent.scene import bundle
from tools.result import Status
from tools.scope import Scope

NOW = datetime(2026, 3, 1, 15, tzinfo=UTC)
DEPLOY = datetime(2026, 3, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "event", "is_about_errors"),
    [
        ("Did it get slower since the deploy at 14:00?", DEPLOY, "deploy", False),
        ("Is it slower since the release?", None, "release", False),
        ("Are there more errors since 14:00?", DEPLOY, "", True),
        ("Did the queue depth grow after 14:00?", DEPLOY, "", False),
    ],
)
def test_comparisons_are_read(
    text: str, moment: datetime | None, event: str, is_about_errors: bool
) -> None:
    comparing = read_comparison(text, NOW)
    assert comparing is not None
    assert (comparing.moment, comparing.event) == (moment, event)
    assert comparing.is_about_errors is is_about_errors


@pytest.mark.parametrize(
    "text",
    [
        "What is wrong since 14:00?",
        "Why is it slower since 14:00?",
        "Is it slow?",
        "more errors?",
        "Since 14:00 it is down. What changed and why does it fail?",
        "Since the deploy it answers more 502s.",
    ],
)
def test_other_questions_are_none(text: str) -> None:
    assert read_comparison(text, NOW) is None


def shop(folder: Path, after_ms: float, errors_after: int = 0) -> Scope:
    """Two minutes around the deploy, one request a second."""
    rng = random.Random(7)
    lines = []
    for second in range(-60, 60):
        time = DEPLOY + timedelta(seconds=second)
        base = 20 if second < 0 else after_ms
        lines.append(
            f'{{"time": "{time.isoformat()}", "level": "info", "msg": "request", '
            f'"ms": {base + rng.uniform(-5, 5):.1f}, "port": 8080}}'
        )
        if 0 <= second < errors_after:
            lines.append(f'{{"time": "{time.isoformat()}", "level": "error", "msg": "declined"}}')
    deploy = f"{DEPLOY.isoformat()} deploy: shop 4.2 is up\n"
    return bundle(folder, {"shop": "\n".join(lines) + "\n", "ci": deploy})


def answer(scope: Scope, text: str) -> tuple[str, list[str]]:
    comparing = read_comparison(text, NOW)
    assert comparing is not None
    result, verdict = compare_scope(scope, list(scope.logs.values()), comparing, lambda *_: None)
    assert (result.status is Status.OK) == (verdict is not None)
    return verdict.text if verdict else result.summary, [f.text for f in result.findings]


def test_a_number_that_rose_is_told_with_both_sides(tmp_path: Path) -> None:
    text, quoted = answer(shop(tmp_path / "b", 80), "Is it slower since the deploy at 14:00?")
    assert text.startswith(
        "**yes, higher** since 2026-03-01 14:00:00Z: `ms` in `shop` has a median"
    )
    assert "60 lines since" in text
    assert "60 lines before" in text
    assert "deploy: shop 4.2" in quoted[-1]


def test_what_chance_makes_is_no_change(tmp_path: Path) -> None:
    text, _ = answer(shop(tmp_path / "b", 21), "Is it slower since the deploy at 14:00?")
    assert text.startswith("**no change**: `ms`")


def test_the_moment_is_found_by_the_event(tmp_path: Path) -> None:
    text, _ = answer(shop(tmp_path / "b", 80), "Is it slower since the deploy?")
    assert "since 2026-03-01 14:00:00Z" in text
    text, _ = answer(shop(tmp_path / "c", 80), "Is it slower since the failover?")
    assert text == "No log line tells of a failover."


def test_problems_are_compared_by_their_share(tmp_path: Path) -> None:
    text, quoted = answer(shop(tmp_path / "b", 20, 30), "Are there more errors since 14:00?")
    assert "**yes, more problems**" in text
    assert "30 of 90 lines" in text
    assert "declined" in quoted[0]
    text, _ = answer(shop(tmp_path / "c", 20), "Any more errors since 14:00?")
    assert text.startswith("**no change for the worse**")


def test_too_few_lines_say_nothing(tmp_path: Path) -> None:
    text, quoted = answer(shop(tmp_path / "b", 80), "Is it slower since 14:00:59?")
    assert "Too few lines" in text
    assert quoted == []
