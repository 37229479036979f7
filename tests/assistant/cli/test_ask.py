import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.events import (
    Approval,
    Citation,
    Event,
    EvidenceAdded,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    TurnUsage,
)
from assistant.interface import AskRequest
from assistant.settings import Settings
from tests.assistant.cli.program import Ran

Midwatch = Callable[..., Ran]

CITATION = Citation("L1", "log", "payments", 401, "ERROR no space left")
CALL = ToolCall("analyze_logs", {"since": ""}, "ok", 2.6)
USAGE = TurnUsage("small", 808, 521, 51, 1.25, 2.5, {"triage": 0.1})
ANSWER = "**Cause** [L1]: the disk is full.\n\n**Next:** make room."
FINISHED = TurnFinished("5e551011", ANSWER, "answered", (CITATION,), (CALL,), (), USAGE)
TURN: tuple[Event, ...] = (
    TurnStarted("5e551011", "why?"),
    ToolStarted(1, "analyze_logs", {"since": ""}),
    ToolStarted(2, "search_runbooks", {"query": "why?"}),
    ToolFinished(2, "search_runbooks", "no_data", "no runbook answers this", 0.04),
    EvidenceAdded(CITATION),
    ToolFinished(1, "analyze_logs", "ok", "Analysed payments: 430 lines.\nmore of it", 2.6),
    TextDelta("**Cause** [L1]: the disk"),
    TextDelta(" is full.\n\n**Next:** make room."),
    FINISHED,
)


class ScriptedAssistant:
    """Answers each question with its script, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: tuple[Event, ...] = TURN
        self.requests: list[AskRequest] = []
        self.settings: list[Settings] = []
        self.num_closed = 0

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        self.requests.append(request)
        for event in self.script:
            yield event

    @asynccontextmanager
    async def open(
        self, settings: Settings, _load: object = None
    ) -> AsyncIterator["ScriptedAssistant"]:
        self.settings.append(settings)
        try:
            yield self
        finally:
            self.num_closed += 1


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedAssistant:
    assistant = ScriptedAssistant()
    monkeypatch.setattr("assistant.local.open_local_assistant", assistant.open)
    return assistant


def test_the_answer_is_on_standard_output_and_progress_on_error(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    ran = midwatch("ask", "why?")
    assert ran == Ran(
        0,
        ANSWER + "\n",
        "- runbooks: no runbook answers this\n"
        "+ logs (3 s): Analysed payments: 430 lines.\n"
        "session 5e551011 · first word 1.2 s, all 2.5 s · 808 tokens read, 51 written\n",
    )
    assert scripted.num_closed == 1


def test_progress_keeps_to_one_line_of_a_narrow_terminal(
    midwatch: Midwatch, scripted: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = midwatch("ask", "why?").err.splitlines()
    assert lines[1] == "+ logs (3 s): Analysed paymen…"
    assert max(map(len, lines)) <= 30


def test_a_turn_without_the_model_counts_no_tokens(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    scripted.script = (TextDelta("none"), TurnFinished("5e551011", "none", "answered"))
    assert midwatch("ask", "why?").err == "session 5e551011 · first word 0.0 s, all 0.0 s\n"


def test_json_is_one_object_and_nothing_else(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    ran = midwatch("ask", "--json", "why?")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == {
        "session": "5e551011",
        "answer": ANSWER,
        "outcome": "answered",
        "citations": [
            {
                "id": "L1",
                "kind": "log",
                "source": "payments",
                "line": 401,
                "text": "ERROR no space left",
            }
        ],
        "tool_calls": [
            {
                "name": "analyze_logs",
                "arguments": {"since": ""},
                "status": "ok",
                "duration_s": 2.6,
            }
        ],
        "approvals": [],
        "usage": {
            "model": "small",
            "prompt_tokens": 808,
            "cached_tokens": 521,
            "completion_tokens": 51,
            "ttft_s": 1.25,
            "total_s": 2.5,
            "phases_s": {"triage": 0.1},
            "model_calls": 0,
            "is_answer_cached": False,
        },
    }


def test_a_failed_turn(midwatch: Midwatch, scripted: ScriptedAssistant) -> None:
    scripted.script = (TurnFailed("5e551011", "model", "the model is not here", "pull it"),)
    assert midwatch("ask", "why?") == Ran(1, "", "midwatch: the model is not here\n  pull it\n")
    ran = midwatch("ask", "--json", "why?")
    failure = json.loads(ran.out)
    assert (ran.status, ran.err) == (1, "")
    assert (failure["outcome"], failure["answer"], failure["session"]) == ("failed", "", "5e551011")
    assert failure["error"] == {
        "code": "model",
        "message": "the model is not here",
        "hint": "pull it",
    }


def test_a_turn_that_fails_in_its_answer_ends_the_line_first(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    scripted.script = (TextDelta("The cause"), TurnFailed("5e551011", "engine", "out of memory"))
    assert midwatch("ask", "why?") == Ran(1, "The cause\n", "midwatch: out of memory\n")


def test_waiting_for_approval_has_a_status_of_its_own(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    approval = Approval("a1", "restart_service", {"name": "redis"}, "pending")
    scripted.script = (
        TurnFinished("5e551011", "Shall I?", "needs_approval", approvals=(approval,)),
    )
    ran = midwatch("ask", "--json", "why?")
    assert ran.status == 3
    [shown] = json.loads(ran.out)["approvals"]
    assert shown["arguments"] == {"name": "redis"}


def test_what_is_asked_arrives(
    midwatch: Midwatch, scripted: ScriptedAssistant, payments_log: Path, tmp_path: Path
) -> None:
    midwatch(
        "--model", "other", "ask", "-f", payments_log, "-f", "x.txt", "--session", "ab", "why?"
    )
    midwatch("ask", "-c", "and then?")
    midwatch("ask", "--bundle", tmp_path)
    assert scripted.requests == [
        AskRequest("why?", session="ab", files=(payments_log, Path("x.txt"))),
        AskRequest("and then?", continue_last=True),
        AskRequest("What is wrong here?", bundle=tmp_path),
    ]
    assert scripted.settings[0].model.name == "other"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "ask a question, or give evidence"),
        (("",), "ask a question, or give evidence"),
        (("  ",), "ask a question, or give evidence"),
        (("--bundle", "b", "-f", "x.log", "why?"), "--bundle is the whole evidence"),
        (("-c", "--session", "ab", "why?"), "give -c or --session"),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    arguments: tuple[str, ...], said: str, midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    ran = midwatch("ask", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.said
    assert scripted.requests == []


def test_nothing_of_a_log_steers_the_terminal(
    midwatch: Midwatch, scripted: ScriptedAssistant
) -> None:
    evil = "\x1b]0;title\x07 \x1b[2J"
    scripted.script = (
        ToolStarted(1, "read_captures", {}),
        ToolFinished(1, "read_captures", "ok", f"read {evil}", 0.0),
        TextDelta(f"the log says {evil}"),
        FINISHED,
    )
    ran = midwatch("ask", "why?")
    assert "\x1b" not in ran.out + ran.err
    assert "\x07" not in ran.out + ran.err


def test_a_pipe_that_closes_early_ends_the_turn(
    scripted: ScriptedAssistant, midwatch: Midwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("assistant.cli.output.AnswerPrinter.push", refuse)
    ran = midwatch("ask", "why?")
    assert ran.status == 1
    assert "pipe" not in ran.said.lower()
    assert scripted.num_closed == 1
