from __future__ import annotations

import pytest

from assistant.routing.rules import Choice, Rules, Work, choose

RULES = Rules(
    has_light=True,
    deep="big",
    low_confidence="second",
    alerts={"critical": "big", "Warning": "second"},
    hosts_beyond={"big": ("api.example.com", "eu.example.com"), "second": ()},
    has_consent=True,
)
BIG_FOR_DEEP = Choice("named", "big", "it was asked for with --deep")
SECOND_FOR_LOW = Choice("named", "second", "the first answer was not sure")


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (Work(), Choice()),
        (Work(urgency="background"), Choice()),
        (Work(urgency="alert"), Choice()),
        (Work(kind="title"), Choice("light", why="it is light work")),
        (Work(kind="rewrite", is_deep=True), Choice("light", why="it is light work")),
        (Work(is_deep=True), BIG_FOR_DEEP),
        (Work(confidence="low"), SECOND_FOR_LOW),
        (Work(confidence="medium"), Choice()),
        (Work(confidence="high"), Choice()),
        (
            Work(urgency="alert", severity="CRITICAL"),
            Choice("named", "big", "the alert's severity is critical"),
        ),
        (
            Work(urgency="alert", severity="warning"),
            Choice("named", "second", "the alert's severity is warning"),
        ),
        (Work(urgency="alert", severity="info"), Choice()),
        # A severity is an alert's: a person who writes the word gets no other model.
        (Work(urgency="chat", severity="critical"), Choice()),
        (Work(urgency="alert", severity="warning", is_deep=True), BIG_FOR_DEEP),
        (Work(urgency="alert", severity="info", confidence="low"), SECOND_FOR_LOW),
    ],
)
def test_work_gets_the_model_of_the_first_rule_that_fits(work: Work, expected: Choice) -> None:
    assert choose(work, RULES) == expected


@pytest.mark.parametrize(
    "work", [Work(), Work(confidence="low"), Work(urgency="alert", severity="critical")]
)
def test_without_rules_all_is_work_of_the_main_model(work: Work) -> None:
    assert choose(work, Rules()) == Choice()


def test_light_work_without_a_light_model_is_the_main_models() -> None:
    assert choose(Work(kind="title"), Rules()).role == "main"


def test_deep_without_a_rule_is_answered_and_said() -> None:
    assert choose(Work(is_deep=True), Rules()) == Choice(objection="[routing] deep names no model")


def test_deep_without_a_rule_of_its_own_still_gets_the_alerts_model() -> None:
    rules = Rules(alerts={"critical": "big"})
    choice = choose(Work(urgency="alert", severity="critical", is_deep=True), rules)
    assert choice.name == "big"


@pytest.mark.parametrize("work", [Work(is_deep=True), Work(urgency="alert", severity="critical")])
def test_model_on_another_machine_needs_consent(work: Work) -> None:
    rules = Rules(
        deep="big", alerts={"critical": "big"}, hosts_beyond={"big": ("a.example", "b.example")}
    )
    choice = choose(work, rules)
    assert choice.role == "main"
    assert choice.objection == (
        "big is on a.example, b.example, and [routing] remote_consent is not set"
    )


def test_model_on_this_machine_needs_no_consent() -> None:
    rules = Rules(deep="big", hosts_beyond={"big": ()}, has_consent=False)
    assert choose(Work(is_deep=True), rules) == BIG_FOR_DEEP
