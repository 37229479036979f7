"""Which answers are kept, and that they come back as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.agent.arguments import ACTIONS
from assistant.answers.kept import REPEATABLE, KeptAnswer, kept_answer
from assistant.events import Approval, Citation, ToolCall, TurnFinished, TurnUsage
from tests.assistant.answers.answer import KEPT
from tools.evidence import Evidence, Finding

FINISHED = TurnFinished(
    "s1",
    KEPT.answer,
    "answered",
    (Citation("L1", "log", "pay", 41, "text"),),
    (
        ToolCall("analyze_logs", {"since": "1h"}, "ok", 0.1),
        ToolCall("search_runbooks", {}, "no_data", 0.1),
    ),
    usage=TurnUsage("m"),
)


def kept(question: str = "why?", model: str = "m", **changes: Any) -> KeptAnswer | None:
    return kept_answer(question, replace(FINISHED, **changes), KEPT.evidence, model)


def test_a_plain_answer_is_kept_whole() -> None:
    assert kept() == KEPT
    assert [item.id for item in KEPT.cited_evidence] == ["L1"]


def test_it_comes_back_as_it_was() -> None:
    assert KeptAnswer.from_json(KEPT.to_json()) == KEPT


def call(name: str, status: Any = "ok") -> tuple[ToolCall, ...]:
    return (*FINISHED.tool_calls, ToolCall(name, {}, status, 0.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "needs_approval"},
        {"outcome": "failed"},
        {"approvals": (Approval("", "restart_service", {}, "expired"),)},
        {"tool_calls": ()},
        {"tool_calls": call("analyze_logs", "error")},
        {"tool_calls": call("analyze_logs", "needs_approval")},
        {"tool_calls": call("survey_host")},
        {"tool_calls": call("run_checks")},
        {"tool_calls": call("fetch_logs")},
        {"tool_calls": call("generate_code")},
        {"tool_calls": call("something_new")},
        {"question": "please restart pay"},
        {"model": "another"},
    ],
)
def test_what_must_be_worked_on_each_time_is_not_kept(changes: dict[str, Any]) -> None:
    assert kept(**changes) is None


def test_nothing_that_changes_something_is_repeatable() -> None:
    assert not REPEATABLE & set(ACTIONS)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"\xff",
        KEPT.to_json()[:-9],
        KEPT.to_json().replace(b'"L1"', b'"L2"', 1),
        KEPT.to_json().replace(b'"kind":"log"', b'"kind":"rumour"'),
    ],
)
def test_damaged_text_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        KeptAnswer.from_json(text)


def test_what_is_no_unicode_is_refused() -> None:
    finding = Finding("log", "pay", "\udcff")
    with pytest.raises(ValueError, match=r"."):
        KeptAnswer("x", (Evidence("L1", finding),), ()).to_json()
