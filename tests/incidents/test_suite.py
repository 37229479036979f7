"""The suite of recorded incidents holds what its readers rely on. The model is not asked here."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.evaluation.cases import load_cases
from tools.bundle import open_bundle

SUITE = Path(__file__).parent
CASES = sorted(file.parent for file in SUITE.glob("*/expected.yaml"))
KINDS = ("diagnosis", "health", "lookup", "runbook", "comparison", "unanswerable", "follow-up")
MAX_CASE_BYTES = 300 * 1024
MAX_SUITE_BYTES = 5 * 1024 * 1024
# Folders of whoever records: an incident's programs live in /srv, /opt/venv and the like.
LOCAL = re.compile(r"/work\b|/root\b|/home/|/tmp/|/Users/|\.pyenv|site-packages/pip|wheel-cache")

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def expected(case: Path) -> dict[str, Any]:
    content = yaml.safe_load((case / "expected.yaml").read_text())
    assert isinstance(content, dict)
    return content


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def evidence_file(case: Path, source: str) -> Path:
    """A source is named as in the bundle, packed or not; runbooks lie beside it."""
    root = case if source.startswith("runbooks/") else case / "bundle"
    return next(path for path in (root / source, root / f"{source}.gz") if path.is_file())


def test_there_are_cases_of_every_kind() -> None:
    assert len(CASES) >= 20
    assert {expected(case)["kind"] for case in CASES} == set(KINDS)


def test_eval_can_load_the_suite() -> None:
    assert [case.id for case in load_cases(SUITE)] == [case.name for case in CASES]


@each_case
def test_expectations_are_complete(case: Path) -> None:
    content = expected(case)
    assert content["id"] == case.name
    assert content["kind"] in KINDS
    assert content["restart_would_fix"] in ("yes", "no", "temporary")
    assert content["expected"]
    assert content["quick_regex"]
    assert content["recorded"]
    assert (case / "question.txt").read_text().strip()
    for pattern in (*content["quick_regex"], *content.get("forbidden_regex", ())):
        re.compile(pattern, re.IGNORECASE)


@each_case
def test_no_fact_was_left_open(case: Path) -> None:
    facts = re.compile(r"<[a-z_]+>")
    content = expected(case)
    told = (*content["expected"], *content["quick_regex"], (case / "question.txt").read_text())
    assert not [text for text in told if facts.search(text)]


@each_case
def test_what_is_expected_is_a_right_answer_by_its_own_patterns(case: Path) -> None:
    content = expected(case)
    answer = " ".join(content["expected"])
    assert [p for p in content["quick_regex"] if not re.search(p, answer, re.I)] == []
    assert [p for p in content.get("forbidden_regex", ()) if re.search(p, answer, re.I)] == []


@each_case
def test_the_cause_stands_in_the_evidence(case: Path) -> None:
    content = expected(case)
    needs_none = content["kind"] in ("health", "unanswerable")
    assert bool(content["cause_evidence"]) != needs_none
    for evidence in content["cause_evidence"]:
        text = text_of(evidence_file(case, evidence["source"]))
        found = [line for line in text.splitlines() if re.search(evidence["regex"], line)]
        assert found, f"{evidence['source']} has no line with {evidence['regex']}"


@each_case
def test_the_evidence_can_be_opened(case: Path) -> None:
    bundle = case / "bundle"
    if not bundle.is_dir():
        assert list((case / "runbooks").glob("*.md"))
        return
    scope = open_bundle(bundle)
    assert scope.logs
    for path in (bundle / "captures").glob("*.txt"):
        assert scope.captures[path.name].command


@each_case
def test_it_is_small(case: Path) -> None:
    assert sum(file.stat().st_size for file in case.rglob("*") if file.is_file()) < MAX_CASE_BYTES


def test_all_of_it_is_small() -> None:
    files = [file for file in SUITE.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MAX_SUITE_BYTES


@each_case
def test_nothing_says_where_it_was_recorded(case: Path) -> None:
    for file in case.rglob("*"):
        if file.is_file():
            assert not LOCAL.search(text_of(file)), file


def test_the_readme_lists_every_case() -> None:
    row = re.compile(rf"^\| `([\w-]+)` \| ({'|'.join(KINDS)}) \|", re.MULTILINE)
    rows = row.findall((SUITE / "README.md").read_text())
    assert rows == [(case.name, expected(case)["kind"]) for case in CASES]
