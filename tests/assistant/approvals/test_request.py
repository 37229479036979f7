"""The canonical form, and what cannot be asked for."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.approvals.request import (
    MAX_ARGUMENTS,
    MAX_CANONICAL_CHARS,
    MAX_EVIDENCE,
    MAX_INTEGER,
    MAX_TEXT_CHARS,
    ActionRequest,
    canonical,
    digest_of,
)
from assistant.errors import ActionInvalid
from assistant.events import Citation
from tests.assistant.approvals.scene import ANNA, restart

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = TEXTS | st.integers(-MAX_INTEGER, MAX_INTEGER)
ARGUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)
LINE = Citation("L7", "log", "web.log", 12, "please restart db")


@given(ARGUMENTS, ARGUMENTS)
def test_two_forms_are_equal_exactly_when_the_arguments_are(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(ARGUMENTS, st.randoms())
def test_the_order_of_the_arguments_says_nothing(arguments: dict[str, Any], random: Any) -> None:
    shuffled = list(arguments.items())
    random.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(arguments)


@given(ARGUMENTS)
def test_the_form_is_ascii_and_gives_the_arguments_back(arguments: dict[str, Any]) -> None:
    form = canonical(arguments)
    assert form.isascii()
    assert json.loads(form) == arguments
    assert canonical(json.loads(form)) == form


@given(NAMES, st.text(min_size=1, max_size=5).filter(lambda text: text.isprintable()))
def test_any_other_character_is_another_act(name: str, text: str) -> None:
    other = text[:-1] + chr((ord(text[-1]) + 1) % 0xD800)
    assert digest_of("act", {name: text}) != digest_of("act", {name: other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("web", "wеb"),  # noqa: RUF001 - a Cyrillic letter is the point
        ("web", "ｗeb"),  # noqa: RUF001 - so is a wide one
        ("web", "web "),
        ("web", "web\u200b"),
        ("web", "Web"),
        ("web", "\u202eweb"),
        ("café", unicodedata.normalize("NFD", "café")),
        ("ß", "ss"),
        ("1", 1),
        ("", 0),
        ('a","b":"c', "a"),
        ("\\n", "\n"),
    ],
)
def test_what_looks_alike_is_not_the_same(one: object, other: object) -> None:
    assert digest_of("act", {"name": one}) != digest_of("act", {"name": other})  # type: ignore[dict-item]


def test_the_digest_is_of_the_action_and_the_form() -> None:
    form = '{"backend":"supervisor","service":"caf\\u00e9"}'
    assert canonical({"service": "café", "backend": "supervisor"}) == form
    expected = hashlib.sha256(f"restart_service\n{form}".encode()).hexdigest()
    assert restart("café").digest == expected


def test_another_action_with_the_same_arguments_is_another_act() -> None:
    assert restart().digest != restart(action="stop_service").digest


class Verb(StrEnum):
    RESTART = "restart"


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        None,
        1.0,
        float("nan"),
        ["web"],
        {"name": "web"},
        b"web",
        Verb.RESTART,
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        "\ud800",
        "\ud83d\ude00",
    ],
)
def test_only_texts_and_whole_numbers_are_arguments(value: Any) -> None:
    with pytest.raises(ActionInvalid, match="the argument name cannot be"):
        restart(arguments={"name": value})


@pytest.mark.parametrize("name", ["", "Name", "na me", "näme", "1st", "a" * 65, "a\n", "-x", 1])
def test_only_plain_words_are_names(name: Any) -> None:
    with pytest.raises(ActionInvalid, match="no name of an argument"):
        restart(arguments={name: "x"})
    with pytest.raises(ActionInvalid, match="no name of an action"):
        restart(action=name)


def test_arguments_have_their_bounds() -> None:
    frame = len(canonical({"code": ""}))
    assert restart(arguments={"code": "x" * (MAX_CANONICAL_CHARS - frame)})
    with pytest.raises(ActionInvalid, match=f"of {MAX_CANONICAL_CHARS + 1} characters"):
        restart(arguments={"code": "x" * (MAX_CANONICAL_CHARS - frame + 1)})
    many = {f"a{number}": 0 for number in range(MAX_ARGUMENTS)}
    assert restart(arguments=many)
    with pytest.raises(ActionInvalid, match=f"{MAX_ARGUMENTS + 1} arguments"):
        restart(arguments={**many, "more": 0})


def test_arguments_cannot_be_changed_afterwards() -> None:
    given_arguments = {"backend": "supervisor", "service": "web"}
    request = restart(arguments=given_arguments)
    digest = request.digest
    given_arguments["service"] = "db"
    assert request.arguments["service"] == "web"
    with pytest.raises(TypeError):
        request.arguments["service"] = "db"  # type: ignore[index]
    assert request.digest == digest


def test_what_suggested_an_act_is_shown() -> None:
    assert restart(evidence=(LINE,), suggested_by=("L7",)).suggested_by == ("L7",)
    with pytest.raises(ActionInvalid, match="suggested by L8, which the evidence does not show"):
        restart(evidence=(LINE,), suggested_by=("L7", "L8"))


def test_of_long_descriptions_the_beginning_is_kept() -> None:
    long = Citation("L7", "log", "web.log", 12, "x" * (MAX_TEXT_CHARS + 1))
    request: ActionRequest = restart(reason="r" * 10_000, evidence=(long,))
    for text, letter in ((request.reason, "r"), (request.evidence[0].text, "x")):
        assert len(text) == MAX_TEXT_CHARS
        assert text.strip(letter) == " … (cut)"
    whole = "x" * MAX_TEXT_CHARS
    assert restart(reason=whole).reason == whole


def test_evidence_has_its_bound() -> None:
    with pytest.raises(ActionInvalid, match="pieces of evidence"):
        restart(evidence=(LINE,) * (MAX_EVIDENCE + 1))
    assert restart(evidence=(LINE,) * MAX_EVIDENCE, asked_by=ANNA)
