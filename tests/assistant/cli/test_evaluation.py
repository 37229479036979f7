"""`midwatch eval` on questions that code answers, so that no model is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran

Midwatch = Callable[..., Ran]

LOG = (
    "2026-03-01T12:00:00Z INFO order placed\n" * 3
    + "2026-03-01T12:00:01Z ERROR order declined\n" * 2
)


def add(suite: Path, name: str, question: str, pattern: str, kind: str = "lookup") -> None:
    case = suite / name
    (case / "bundle").mkdir(parents=True)
    (case / "bundle" / "shop.log").write_text(LOG)
    (case / "question.txt").write_text(question)
    (case / "expected.yaml").write_text(f"quick_regex: ['{pattern}']\nkind: {kind}\n")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    add(folder, "placed", "How many orders were placed?", r"\b3\b")
    add(folder, "wrong", "How many orders were declined?", r"\b7\b", "counting")
    return folder


def test_figures_are_told_by_kind_and_against_the_last_run(midwatch: Midwatch, suite: Path) -> None:
    ran = midwatch("eval", suite)
    assert ran.status == 0
    assert "1 of 2 matched (50% in the answer's own words), 0 failed" in ran.out
    assert "by kind: counting 0/1, lookup 1/1" in ran.out
    assert "citations verbatim: 100%" in ran.out
    assert "since" not in ran.out
    assert "MISS" in ran.err
    add_right = suite / "wrong" / "expected.yaml"
    add_right.write_text("quick_regex: ['\\b2\\b']\nkind: counting\n")
    again = midwatch("eval", suite)
    assert "2 of 2 matched" in again.out
    assert "wrong mended" in again.out


def test_json_report_and_answers_are_written(
    midwatch: Midwatch, suite: Path, tmp_path: Path
) -> None:
    page, answers = tmp_path / "out" / "report.html", tmp_path / "answers"
    ran = midwatch("eval", suite, "--json", "--report", page, "--save", answers, "-j", "2")
    told = json.loads(ran.out)
    assert (told["cases"], told["matched"], told["citation_validity"]) == (2, 1, 1.0)
    assert [row["id"] for row in told["results"]] == ["placed", "wrong"]
    assert "<h1>suite on" in page.read_text()
    assert sorted(path.name for path in answers.iterdir()) == ["placed.md", "wrong.md"]


def test_part_of_a_suite_is_no_run_to_compare_with(midwatch: Midwatch, suite: Path) -> None:
    midwatch("eval", suite, "--kind", "lookup")
    midwatch("eval", suite, "--only", "placed")
    assert "since" not in midwatch("eval", suite).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nope"], "holds no case named nope"),
        (["--kind", "nope"], "holds no case of kind nope"),
        (["--judge", "nope"], "NAME@URL"),
        (["--judge", "m@http://127.0.0.1:1/v1", "--judge-key-env", "NO_KEY"], "$NO_KEY"),
    ],
)
def test_what_cannot_be_run_is_refused(
    midwatch: Midwatch, suite: Path, arguments: list[str], said: str
) -> None:
    ran = midwatch("eval", suite, *arguments)
    assert ran.status != 0
    assert said in ran.err
    # Before anything is answered.
    assert "match" not in ran.err


def test_a_run_that_failed_is_none_to_compare_with(midwatch: Midwatch, suite: Path) -> None:
    midwatch("eval", suite)
    (suite / "wrong" / "bundle" / "shop.log").rename(suite / "shop.log")
    failed = midwatch("eval", suite)
    assert "1 failed" in failed.out
    (suite / "shop.log").rename(suite / "wrong" / "bundle" / "shop.log")
    assert "no case changed" in midwatch("eval", suite).out
