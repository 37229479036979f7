from __future__ import annotations

import pytest

from assistant.routing.route import Route
from assistant.routing.rules import Choice

DEEP = Choice("named", "big", "it was asked for with --deep")


def route(choice: Choice = DEEP, *, beyond: tuple[str, ...] = ("api.example.com",)) -> Route:
    return Route(choice, "small", beyond, was_used=True)


def test_nothing_is_said_of_the_main_model_on_this_machine() -> None:
    own = route(Choice(), beyond=())
    own.note_sent("127.0.0.1")
    assert own.told() == ""
    assert own.model == "small"


def test_nothing_is_said_where_no_model_was_asked() -> None:
    unused = Route(Choice(objection="[routing] deep names no model"), "small")
    assert unused.told() == ""


def test_chosen_model_is_said_with_the_reason_and_where_text_went() -> None:
    chosen = route()
    chosen.note_sent("api.example.com")
    chosen.note_sent("api.example.com")
    chosen.note_sent("127.0.0.1")
    assert chosen.model == "big"
    assert chosen.told() == (
        "*Model:* `big` answered, because it was asked for with --deep. "
        "Redacted text went to `api.example.com`."
    )


def test_chosen_model_on_this_machine_sends_text_nowhere() -> None:
    chosen = route(beyond=())
    chosen.note_sent("localhost")
    assert chosen.told() == "*Model:* `big` answered, because it was asked for with --deep."


def test_main_model_on_another_machine_says_so() -> None:
    own = route(Choice(), beyond=("a.example", "b.example"))
    own.note_sent("b.example")
    own.note_sent("a.example")
    assert own.told() == (
        "*Model:* `small` answered. Redacted text went to `b.example`, `a.example`."
    )


def test_objection_is_said() -> None:
    refused = route(Choice(objection="big is on x, and [routing] remote_consent is not set"))
    assert refused.told() == (
        "*Model:* `small` answered: big is on x, and [routing] remote_consent is not set."
    )


def test_fallback_is_said_with_its_reason_and_what_left_the_machine_all_the_same() -> None:
    fallen = route()
    fallen.note_sent("api.example.com")
    fallen.fall_back("the model server answered with status 500")
    assert fallen.is_on_main
    assert fallen.model == "small"
    assert fallen.told() == (
        "*Model:* `small` answered: 'big' was chosen, because it was asked for with --deep, but "
        "the model server answered with status 500. Redacted text went to `api.example.com`."
    )


@pytest.mark.parametrize(
    "words", ["![x](http://evil/?q)", "<img src=x>\n# Fixed", "[a](javascript:b)"]
)
def test_words_of_a_server_are_inert(words: str) -> None:
    fallen = route()
    fallen.fall_back(words)
    told = fallen.told()
    assert "\n" not in told
    assert words not in told
