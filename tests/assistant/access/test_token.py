"""What a token may be, and how its text is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.errors import TokenError
from assistant.access.token import Token, digest_of, new_token, read_text, text_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = Token("ab12cd34", "deploy-bot", ("ask",), NOON)
SECRET = "s" * 43


@pytest.mark.parametrize("_", range(50))
def test_its_text_is_read_back_to_what_is_kept(_: int) -> None:
    token, secret = new_token("ci", ["ask"], NOON)
    assert read_text(text_of(token, secret)) == (token.id, digest_of(secret))
    assert len(digest_of(secret)) == 32


def test_no_two_are_alike() -> None:
    made = [new_token("ci", ["ask"], NOON) for _ in range(100)]
    assert len({secret for _, secret in made}) == 100
    assert len({token.id for token, _ in made}) == 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mw_",
        f"mw_ab12cd34_{'s' * 42}",
        f"mw_ab12cd34_{'s' * 44}",
        f"mw_AB12CD34_{SECRET}",
        f"MW_ab12cd34_{SECRET}",
        f" mw_ab12cd34_{SECRET}",
        f"mw_ab12cd34_{SECRET}\n",
        f"mw_ab12cd34_{'é' * 43}",
        f"mw_ab12cd3٤_{SECRET}",
        f"mw_ab12cd34_{'s' * 42}=",
    ],
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_text(text) is None


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert read_text(text) is None
    assert read_text(f"mw_ab12cd34_{text}") is None or len(text) == 43


def test_scopes_stand_once_and_in_their_order() -> None:
    token, _ = new_token("ci", ["admin", "ask", "admin"], NOON)
    assert token.scopes == ("ask", "admin")


@pytest.mark.parametrize(
    ("name", "scopes", "options", "said"),
    [
        ("", ["ask"], {}, "no name"),
        ("@oncall", ["ask"], {}, "no name"),
        ("a:b", ["ask"], {}, "no name"),
        ("*", ["ask"], {}, "no name"),
        ("a\nb", ["ask"], {}, "no name"),
        ("x" * 65, ["ask"], {}, "no name"),
        ("ci", [], {}, "needs a scope"),
        ("ci", ["ask", "root"], {}, "no scope 'root'"),
        ("ci", ["ask"], {"front": "cli"}, "'cli'"),
        ("ci", ["ask"], {"front": "api"}, "'api'"),
        ("ci", ["ask"], {"lasts": timedelta(0)}, "at once"),
        ("ci", ["ask"], {"lasts": timedelta(days=999_999_999)}, "that long"),
    ],
)
def test_what_cannot_be_is_refused(
    name: str, scopes: list[str], options: dict[str, object], said: str
) -> None:
    with pytest.raises(TokenError, match=said) as refused:
        new_token(name, scopes, NOON, **options)  # type: ignore[arg-type]
    assert refused.value.hint


@pytest.mark.parametrize(
    ("changes", "at", "status"),
    [
        ({}, NOON, "valid"),
        ({"expires_at_utc": NOON}, NOON - timedelta(microseconds=1), "valid"),
        ({"expires_at_utc": NOON}, NOON, "expired"),
        ({"revoked_at_utc": NOON}, NOON - timedelta(days=1), "revoked"),
        ({"revoked_at_utc": NOON, "expires_at_utc": NOON}, NOON, "revoked"),
    ],
)
def test_its_status(changes: dict[str, datetime], at: datetime, status: str) -> None:
    assert replace(TOKEN, **changes).status(at) == status  # type: ignore[arg-type]
