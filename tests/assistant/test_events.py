from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args

import pytest

from assistant.errors import WireError
from assistant.events import (
    Approval,
    ApprovalRequested,
    ApprovalResolved,
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
    to_json,
)
from assistant.wire import event_of

CITATION = Citation("L1", "log", "pay", 41, "pool “exhausted”")
APPROVAL = Approval(
    "a1", "restart_service", {"name": "pay"}, "pending", evidence=("L1",), suggested_by=("L1",)
)
EXAMPLES: list[Event] = [
    TurnStarted("s", "why?"),
    TextDelta("Be"),
    ToolStarted(1, "search_logs", {"pattern": "x", "nested": {"a": [1, None]}}),
    ToolFinished(1, "search_logs", "no_data", "nothing", 0.1),
    EvidenceAdded(CITATION, "once"),
    ApprovalRequested(APPROVAL),
    ApprovalResolved(APPROVAL),
    TurnFinished(
        "s",
        "Because [L1].",
        "answered",
        citations=(CITATION,),
        tool_calls=(ToolCall("search_logs", {}, "ok", 0.1),),
        approvals=(APPROVAL,),
        usage=TurnUsage("m", 1, 2, 3, 0.1, 0.2, {"triage": 0.1}),
    ),
    TurnFailed("s", "model", "there is no model", "pull one"),
]


def test_there_is_an_example_of_every_event() -> None:
    assert {type(example) for example in EXAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_event_is_one_json_object_that_loses_nothing(event: Event) -> None:
    value = to_json(event)
    assert value["event"] == type(event).__name__
    assert set(value) == {"event"} | {field.name for field in fields(event)}
    read = json.loads(json.dumps(value))
    assert event_of(read) == event


def test_what_a_newer_version_adds_to_an_event_is_passed_over() -> None:
    assert event_of({"event": "TextDelta", "text": "Be", "colour": "red"}) == TextDelta("Be")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"event": "Nonsense"}, "there is no event 'Nonsense'"),
        ({}, "there is no event None"),
        ({"event": "TextDelta"}, "this is no TextDelta: text: Field required"),
        ({"event": "ToolFinished", **dict.fromkeys(("call", "name", "status"), 1)}, "name"),
    ],
)
def test_what_is_no_event_is_refused(value: dict[str, Any], said: str) -> None:
    with pytest.raises(WireError, match=said):
        event_of(value)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_events_cannot_be_changed(event: Event) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(event, fields(event)[0].name, "x")


def test_answer_object_has_the_documented_keys() -> None:
    value = to_json(EXAMPLES[7])
    assert list(value["citations"][0]) == ["id", "kind", "source", "line", "text"]
    assert list(value["tool_calls"][0]) == ["name", "arguments", "status", "duration_s"]
    # What a person needs to judge it comes behind what programs were promised.
    assert list(value["approvals"][0])[:4] == ["id", "action", "arguments", "status"]
    assert {"model", "prompt_tokens", "cached_tokens", "completion_tokens"} <= set(value["usage"])
