from __future__ import annotations

from pathlib import Path

import pytest

from assistant.evaluation.cases import Case, CauseEvidence
from assistant.evaluation.judging import (
    CauseRanks,
    cause_ranks,
    invalid_citations,
    matched_patterns,
    missing_patterns,
    own_words,
    recommends_restart,
)
from assistant.events import Citation
from tools.bundle import open_bundle


@pytest.mark.parametrize(
    ("answer", "patterns", "missing"),
    [
        ("The Pool is full", ("pool",), ()),
        ("it took 30 s", ("30 ?s", "pool"), ("pool",)),
        ("", ("x", "y"), ("x", "y")),
        ("anything", (), ()),
        ("two\nlines", ("two.lines",), ("two.lines",)),
    ],
)
def test_patterns_are_looked_for_whatever_their_case(
    answer: str, patterns: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert missing_patterns(answer, patterns) == missing


ANSWER = """\
**Cause** [L1]: pay has no free connections.

**Next:** {advice}

**Evidence**

- [L1] `pay.log:3`

  ```text
  then restart the service
  ```
"""


@pytest.mark.parametrize(
    "advice",
    [
        "Restart pay.",
        "Raise the pool and restart the payments service.",
        "Consider restarting the pod.",
        "You should reboot the node.",
        "It helps to restart it.",
        "Then roll back; restart pay afterwards.",
    ],
)
def test_advice_to_restart_is_recognised(advice: str) -> None:
    assert recommends_restart(ANSWER.format(advice=advice))


@pytest.mark.parametrize(
    "advice",
    [
        "Raise the pool.",
        "Do not restart pay.",
        "There is no need to restart pay.",
        "It keeps restarting.",
        "Look at the restart count and the restart policy.",
        "The container is in a restart loop.",
        "It was restarted at 12:00.",
        "`restart pay` stands in the runbook.",
        "Find out why it restarts.",
    ],
)
def test_talk_of_restarts_is_no_advice(advice: str) -> None:
    assert not recommends_restart(ANSWER.format(advice=advice))


def test_own_words_are_those_above_the_evidence() -> None:
    words = own_words(ANSWER.format(advice="Say `this` not."))
    assert "no free connections" in words
    assert "this" in words
    assert "restart" not in words


def test_forbidden_patterns_are_looked_for_in_the_own_words_only() -> None:
    answer = ANSWER.format(advice="Raise the pool.")
    assert matched_patterns(answer, ("restart", "raise")) == ("raise",)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    logs = tmp_path / "bundle" / "logs"
    logs.mkdir(parents=True)
    (logs / "pay.log").write_text("2026-03-01T12:00:00Z INFO one\n2026-03-01T12:00:01Z ERROR two\n")
    (tmp_path / "bundle" / "df.txt").write_text(
        "Filesystem Use%\n\n/dev/sda1  100%\n/dev/sdb1 3%\n"
    )
    return Case("c", tmp_path, "why?", ("two",), cause=(CauseEvidence("ERROR two"),))


@pytest.mark.parametrize(
    ("kind", "source", "line", "text", "is_valid"),
    [
        ("log", "pay.log", 2, "2026-03-01T12:00:01Z ERROR two", True),
        ("log", "pay.log", 2, "2026-03-01T12:00:01Z ERROR t", True),
        ("log", "pay.log", None, "2026-03-01T12:00:01Z ERROR two", True),
        ("log", "pay.log", 1, "2026-03-01T12:00:01Z ERROR two", False),
        ("log", "pay.log", 2, "2026-03-01T12:00:01Z ERROR three", False),
        ("log", "pay.log", 9, "2026-03-01T12:00:01Z ERROR two", False),
        ("log", "other", 1, "anything", False),
        ("capture", "df.txt", 3, "/dev/sda1  100%\n/dev/sdb1 3%", True),
        ("capture", "df.txt", 3, "/dev/sda1  99%", False),
        # Not in a bundle's files at all.
        ("service", "supervisor:pay", None, "FATAL", True),
        ("runbook", "pool.md", 1, "anything", True),
    ],
)
def test_citations_have_to_stand_where_they_say(
    case: Case, kind: str, source: str, line: int | None, text: str, is_valid: bool
) -> None:
    sources = open_bundle(case.folder / "bundle")
    name = next((n for n in sources.logs if source == "pay.log"), source)
    cited = Citation("X1", kind, name if kind == "log" else source, line, text)
    assert invalid_citations(case, [cited]) == (() if is_valid else ("X1",))


def test_the_place_of_the_cause_counts_facts_only(case: Case) -> None:
    runbook = Citation("R1", "runbook", "a.md", 1, "ERROR two means")
    noise = Citation("L1", "log", "pay", 1, "INFO one")
    cause = Citation("L2", "log", "pay", 2, "ERROR two")
    assert cause_ranks(case, [runbook, noise, cause], [cause]) == CauseRanks(2, True)
    assert cause_ranks(case, [runbook, noise], [noise]) == CauseRanks(0, False)


def test_without_named_lines_the_patterns_say_where_the_cause_stood() -> None:
    case = Case("c", Path(), "why?", ("full", "disk"))
    one, two = (Citation(f"L{n}", "log", "a", n, text) for n, text in ((1, "disk"), (2, "full")))
    assert cause_ranks(case, [one, two], [one]) == CauseRanks(2, False)
    assert cause_ranks(case, [one], [one]) == CauseRanks(0, False)
    assert cause_ranks(Case("c", Path(), "q", ()), [one], []) is None
