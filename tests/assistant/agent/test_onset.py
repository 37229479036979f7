from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assistant.agent.onset import asks_when, onset_of, onset_text
from tools.evidence import Evidence, Finding

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fact(number: int, suspicion: float, seconds: int | None) -> Evidence:
    at = None if seconds is None else NOON + timedelta(seconds=seconds)
    finding = Finding("log", f"s{number}", f"line {number}", number, "", suspicion, at)
    return Evidence(f"L{number}", finding)


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ("And when did it begin?", True),
        ("When did the errors start?", True),
        ("Since when?", True),
        ("What failed first?", True),
        ("How long has this been going on?", True),
        ("What is wrong?", False),
        ("When was the last deploy?", False),
    ],
)
def test_questions_of_when(text: str, is_asked: bool) -> None:
    assert asks_when(text) is is_asked


def test_the_earliest_of_the_strong_findings_is_the_onset() -> None:
    noise, echo, cause = fact(1, 0.35, -900), fact(2, 0.9, 30), fact(3, 0.8, 5)
    unknown = fact(4, 0.95, None)
    onset = onset_of([unknown, echo, cause, noise])
    assert [item.id for item in onset] == ["L3", "L2"]
    text = onset_text(onset)
    assert text == (
        "**Answer** [L3]: it began at **2026-03-01 12:00:05Z**, with this in `s3`; "
        "then came `s2` at 2026-03-01 12:00:30Z [L2]."
    )


def test_without_suspicion_or_times_there_is_no_onset() -> None:
    assert onset_of([fact(1, 0.2, 5)]) == ()
    assert onset_of([fact(1, 0.9, None)]) == ()
    assert onset_of([]) == ()
