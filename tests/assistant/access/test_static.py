from __future__ import annotations

import pytest

from assistant.access.errors import TokenError
from assistant.access.static import SharedToken, new_shared, read_shared, shared_of


def test_a_token_is_known_by_its_entry_alone() -> None:
    text, entry = new_shared("anna", ["approve", "ask"], None)
    bot, bots = new_shared("bot", ["ask"], "slack")
    known = read_shared(f" {entry}\n{bots} ")
    assert shared_of(text, known) == SharedToken("anna", ("ask", "approve"))
    assert shared_of(bot, known) == SharedToken("bot", ("ask",), "slack")
    assert text not in entry
    for wrong in (text[:-1], text + "x", "", "mws_", entry, text.upper(), "mws_é"):
        assert shared_of(wrong, known) is None


def test_no_entries_know_nobody() -> None:
    assert read_shared("") == {}


@pytest.mark.parametrize(
    "entry",
    [
        "anna",
        "anna:ask",
        "anna:ask:",
        "anna:ask:00",
        "anna:ask:" + "zz" * 32,
        "anna::" + "00" * 32,
        "anna:rule:" + "00" * 32,
        "an na:ask:" + "00" * 32,
        "anna:ask:" + "00" * 32 + ":cli",
        ":ask:" + "00" * 32,
    ],
)
def test_an_entry_of_another_form_is_refused_without_showing_it(entry: str) -> None:
    with pytest.raises(TokenError, match="shared token") as refused:
        read_shared(entry)
    assert "00" * 32 not in str(refused.value)


def test_a_token_itself_is_no_entry_and_is_not_shown() -> None:
    text, _ = new_shared("anna", ["ask"], None)
    with pytest.raises(TokenError) as refused:
        read_shared(f"anna:ask:{text}")
    assert text not in str(refused.value)
