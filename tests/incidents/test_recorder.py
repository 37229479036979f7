"""The recorder and the cases that lie here belong together. Nothing is recorded in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.incidents.families import INCIDENTS
from benchmarks.incidents.incident import describe, fill
from benchmarks.incidents.machine import inside
from benchmarks.incidents.recording import describe_again, write_expectations

SUITE = Path(__file__).parent


def read(case: Path) -> tuple[str, dict[str, Any]]:
    expected = yaml.safe_load((case / "expected.yaml").read_text())
    return (case / "question.txt").read_text(), expected


def test_every_case_has_its_incident() -> None:
    assert {file.parent.name for file in SUITE.glob("*/expected.yaml")} == set(INCIDENTS)


@pytest.mark.parametrize("name", INCIDENTS)
def test_a_case_says_what_its_incident_says(name: str) -> None:
    question, content = read(SUITE / name)
    facts = content.get("facts", {})
    assert question == fill(INCIDENTS[name].question, facts) + "\n"
    assert content == describe(INCIDENTS[name], facts, content["recorded"].split(":")[0])


def test_facts_are_filled_in() -> None:
    assert fill("<n> of <all>, <n>", {"n": "3", "all": "9"}) == "3 of 9, 3"


def test_describing_again_keeps_facts_and_date(tmp_path: Path) -> None:
    incident = INCIDENTS["count-404"]
    facts = {"not_found": "3", "worst": "203.0.113.1", "worst_count": "2"}
    write_expectations(incident, tmp_path / incident.name, facts, "2026-01-02")
    before = read(tmp_path / incident.name)
    (tmp_path / incident.name / "question.txt").write_text("An older question?\n")
    describe_again(incident.name, tmp_path)
    assert read(tmp_path / incident.name) == before
    assert before[1]["recorded"].startswith("2026-01-02: ")
    assert before[1]["facts"] == facts


def test_a_machine_has_its_own_name_network_and_processes() -> None:
    command = inside("web-1", ["true"])
    assert {"--mount", "--uts", "--net", "--pid", "--kill-child"} <= set(command)
    assert command[-2:] == ["web-1", "true"]
