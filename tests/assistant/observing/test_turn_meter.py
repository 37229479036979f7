from __future__ import annotations

import pytest

from assistant.events import (
    Approval,
    ApprovalRequested,
    ApprovalResolved,
    EvidenceAdded,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnStarted,
    TurnUsage,
)
from assistant.observing.metrics import Load, Metrics

from .scene import Clock, finished, value

APPROVAL = Approval("a1", "restart_service", {}, "pending")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics("1.2.3", clock=clock)


def test_times_count_from_the_acceptance(metrics: Metrics, clock: Clock) -> None:
    turn = metrics.turn("slack")
    clock.now += 1.0
    turn.observe(TurnStarted("s1", "why?"))
    clock.now += 2.0
    turn.observe(TextDelta("Be"))
    clock.now += 4.0
    turn.observe(TextDelta("cause."))
    turn.observe(finished())
    turn.close()
    assert value(metrics, "midwatch_turn_ttft_seconds_sum", front="slack") == 3.0
    assert value(metrics, "midwatch_turn_ttft_seconds_count", front="slack") == 1
    assert value(metrics, "midwatch_turn_duration_seconds_sum", front="slack") == 7.0
    assert value(metrics, "midwatch_turns_total", front="slack", outcome="answered") == 1
    recent = metrics.recent()
    assert (recent.num_turns, recent.ttft_p50_s, recent.total_p95_s) == (1, 3.0, 7.0)


def test_a_turn_waits_then_runs_then_is_gone(metrics: Metrics) -> None:
    turn = metrics.turn("cli")
    other = metrics.turn("cli")
    assert metrics.load() == Load(2, 0, 0)
    turn.observe(TurnStarted("s1", "why?"))
    assert metrics.load() == Load(1, 1, 0)
    turn.observe(finished())
    assert metrics.load() == Load(1, 0, 0)
    other.close()
    turn.close()
    assert metrics.load() == Load(0, 0, 0)


@pytest.mark.parametrize(
    ("end", "outcome", "error"),
    [
        (finished(outcome="needs_approval"), "needs_approval", None),
        (TurnFailed("s1", "busy", "no room"), "failed", "busy"),
        (TurnFailed("s1", "Weird code!", "?"), "failed", "other"),
        (TurnFailed("s1", "cancelled", "…"), "cancelled", None),
        (None, "cancelled", None),
    ],
)
def test_each_end_counts_once(
    metrics: Metrics, end: object, outcome: str, error: str | None
) -> None:
    turn = metrics.turn("api")
    if end is not None:
        turn.observe(end)  # type: ignore[arg-type]
    turn.close()
    outcomes = {
        sample.labels["outcome"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "midwatch_turns_total" and sample.value
    }
    assert outcomes == {outcome: 1}
    errors = [
        sample.labels["code"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "midwatch_errors_total"
    ]
    assert errors == ([error] if error else [])
    assert metrics.recent().num_turns == (outcome != "cancelled")


def test_a_front_that_nobody_knows_gets_no_label_of_its_own(metrics: Metrics) -> None:
    metrics.turn("curl").close()
    metrics.turn("alerts").close()
    assert value(metrics, "midwatch_turns_total", front="other", outcome="cancelled") == 1
    assert value(metrics, "midwatch_turns_total", front="alerts", outcome="cancelled") == 1


def test_the_own_share_leaves_out_the_engine_and_tools_that_overlap(
    metrics: Metrics, clock: Clock
) -> None:
    turn = metrics.turn("cli")
    clock.now += 0.5
    turn.observe(ToolStarted(1, "analyze_logs", {}))
    clock.now += 1.0
    turn.observe(ToolStarted(2, "search_runbooks", {}))
    clock.now += 1.0
    turn.observe(ToolFinished(1, "analyze_logs", "ok", "", 2.0))
    clock.now += 1.0
    turn.observe(ToolFinished(2, "search_runbooks", "no_data", "", 2.0))
    clock.now += 4.25
    phases = {"load": 1.0, "prefill": 1.0, "decode": 2.0, "triage": 3.0}
    turn.observe(finished(TurnUsage("m", 700, 600, 50, phases_s=phases, model_calls=2)))
    # 7.75 s in all, 3 s of tools and 4 s of the engine.
    assert value(metrics, "midwatch_turn_own_seconds_sum") == 0.75
    assert value(metrics, "midwatch_turn_phase_seconds_sum", phase="triage") == 3.0
    assert value(metrics, "midwatch_turn_tokens_total", model="m", kind="cached") == 600
    assert value(metrics, "midwatch_turn_tokens_total", model="m", kind="prompt") == 700
    assert value(metrics, "midwatch_turn_tokens_total", model="m", kind="completion") == 50
    tools = "midwatch_tool_duration_seconds_sum"
    assert value(metrics, tools, tool="analyze_logs", outcome="ok") == 2.0
    assert value(metrics, tools, tool="search_runbooks", outcome="no_data") == 2.0
    assert value(metrics, "midwatch_retrieval_duration_seconds_count") == 1


def test_where_the_engine_says_no_times_there_is_no_own_share(metrics: Metrics) -> None:
    metrics.turn("cli").observe(finished(TurnUsage("gpt", model_calls=1)))
    assert value(metrics, "midwatch_turn_own_seconds_count") == 0
    metrics.turn("cli").observe(finished(TurnUsage("none")))
    assert value(metrics, "midwatch_turn_own_seconds_count") == 1


def test_a_model_that_spells_tool_names_makes_no_series_without_end(metrics: Metrics) -> None:
    turn = metrics.turn("cli")
    for number in range(500):
        turn.observe(ToolFinished(number, f"tool_{number}", "error", "", 0.0))
    turn.observe(ToolFinished(501, "search_runbooks", "ok", "", 0.1))
    counts = "midwatch_tool_duration_seconds_count"
    assert value(metrics, counts, tool="other", outcome="error") == 500 - 62
    assert value(metrics, counts, tool="search_runbooks", outcome="ok") == 1


def test_approvals_are_counted_by_status(metrics: Metrics) -> None:
    turn = metrics.turn("slack")
    turn.observe(ApprovalRequested(APPROVAL))
    turn.observe(ApprovalResolved(Approval("a1", "restart_service", {}, "approved")))
    assert value(metrics, "midwatch_approvals_total", status="pending") == 1
    assert value(metrics, "midwatch_approvals_total", status="approved") == 1


def test_no_name_of_a_session_a_person_or_a_question_is_in_the_metrics(metrics: Metrics) -> None:
    from assistant.events import Citation

    turn = metrics.turn("cli")
    turn.observe(TurnStarted("SESSION-1", "QUESTION"))
    turn.observe(EvidenceAdded(Citation("L1", "log", "SOURCE", 1, "TEXT")))
    turn.observe(ToolFinished(1, "probe", "ok", "SUMMARY", 0.1))
    turn.observe(ApprovalRequested(Approval("A-ID", "stop_service", {"who": "PERSON"}, "pending")))
    turn.observe(finished())
    text = metrics.render("")[0].decode()
    words = ("SESSION", "QUESTION", "SOURCE", "TEXT", "SUMMARY", "A-ID", "PERSON")
    assert [word for word in words if word in text.replace("# TYPE", "")] == []
