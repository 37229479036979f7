from __future__ import annotations

import re

import pytest

from assistant.agent.prompt import EXPLAIN, SYSTEM, first_message, listing
from tools.evidence import Evidence, Finding


def log(text: str, note: str = "", number: int = 1) -> Evidence:
    return Evidence(f"L{number}", Finding("log", "cart", text, 41, note, 0.8))


def test_question_comes_first_and_findings_last() -> None:
    text = first_message("Why?", ["Analysed cart: 41 lines.\nmore"], [log("disk is full")])
    assert text == (
        "Question: Why?\n\nExamined:\nAnalysed cart: 41 lines.\n\n"
        "Findings, most suspicious first:\n[L1] cart: disk is full"
    )


def test_verdicts_stand_in_full_where_nothing_was_found() -> None:
    text = first_message("Why?", ["Analysed cart.\n0 problem lines"], [])
    assert "0 problem lines" in text
    assert "Findings: none" in text


def test_json_record_is_read_out_without_what_the_note_says() -> None:
    record = (
        '{"timestamp": "2026-03-01T12:00:00Z", "level": "ERROR", "message": "no pool", '
        '"status": 500, "request_id": "r-1"}'
    )
    assert listing([log(record)]) == "[L1] cart: ERROR no pool (status=500)"


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-01 12:00:09,000 CRITICAL disk is full",
        "2026-03-01T12:00:09.123Z CRITICAL disk is full",
        "[2026-03-01 12:00:09] CRITICAL disk is full",
        "2026/03/01 12:00:09 CRITICAL disk is full",
        "ts=2026-03-01T12:00:09+01:00 CRITICAL disk is full",
    ],
)
def test_leading_time_stamp_is_left_to_the_note(line: str) -> None:
    assert listing([log(line)]) == "[L1] cart: CRITICAL disk is full"


def test_date_that_all_notes_share_is_left_out() -> None:
    one = log("a", "first 2026-03-01 12:00:01Z", 1)
    two = log("b", "first 2026-03-01 12:00:02Z", 2)
    other = log("c", "first 2026-03-02 12:00:03Z", 3)
    assert "2026" not in listing([one, two])
    assert listing([one, other]).count("2026") == 2


def test_long_texts_are_bounded_and_keep_both_ends() -> None:
    entry = listing([log("start " + "x" * 5000 + " end")])
    assert len(entry) < 300
    assert "start" in entry
    assert entry.endswith("end")


def test_system_prompt_has_no_clock_no_host_and_no_example_command() -> None:
    fixed = SYSTEM + "".join(EXPLAIN.values())
    assert not re.search(r"\d{2,}|`|/\w+/|\$ ", fixed)
