from __future__ import annotations

from pathlib import Path

import pytest

from assistant.evaluation.cases import Case
from assistant.evaluation.figures import changes, percentile, summary
from assistant.evaluation.run import CaseResult
from assistant.events import TurnUsage


def result(total_s: float, error: str = "", *patterns: str) -> CaseResult:
    case = Case("c", Path(), "q", patterns)
    return CaseResult(case, "", error=error, usage=TurnUsage("m", total_s=total_s))


@pytest.mark.parametrize(
    ("times", "median", "longest"),
    [([], 0.0, 0.0), ([2.0], 2.0, 2.0), ([3.0, 1.0, 2.0], 2.0, 3.0), ([1.0, 9.0], 1.0, 9.0)],
)
def test_times_are_those_of_answers(times: list[float], median: float, longest: float) -> None:
    figures = summary([*(result(time) for time in times), result(0.0, "failed")])
    assert (figures["median_total_s"], figures["max_total_s"]) == (median, longest)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([3.0], 0.95, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_percentiles(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def judged(case_id: str, kind: str, missing: tuple[str, ...]) -> CaseResult:
    return CaseResult(Case(case_id, Path(), "q", ("p",), kind), "", missing)


def test_accuracy_is_told_by_kind() -> None:
    figures = summary([judged("a", "x", ()), judged("b", "x", ("p",)), judged("c", "y", ())])
    assert figures["by_kind"] == {
        "x": {"judged": 2, "matched": 1},
        "y": {"judged": 1, "matched": 1},
    }
    assert figures["accuracy"] == pytest.approx(2 / 3, abs=1e-4)


def test_what_cannot_be_judged_has_no_share() -> None:
    figures = summary([result(1.0)])
    assert figures["accuracy"] is None
    assert figures["false_restart_rate"] is None
    assert figures["cause_in_ledger"] is None


def test_changes_since_the_run_before_are_named() -> None:
    before = [{"id": n, "is_match": m} for n, m in (("a", True), ("b", False), ("c", True))]
    after = [{"id": n, "is_match": m} for n, m in (("a", False), ("b", True), ("d", True))]
    assert changes(before, after) == [
        ("a", "broken"),
        ("b", "mended"),
        ("c", "gone"),
        ("d", "new"),
    ]
    assert changes(after, after) == []
