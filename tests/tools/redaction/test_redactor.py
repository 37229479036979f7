"""Secrets of all kinds in the places where they stand, and what looks like some and is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.redaction import Redactor
from tools.redaction.redactor import JsonValue
from tools.redaction.secret import PLACEHOLDER

HERE = Path(__file__).parent
REDACTOR = Redactor(b"a key for tests, 32 bytes long, ok")


def cases(name: str) -> list[str]:
    lines = (HERE / name).read_text().splitlines()
    texts = [line for line in lines if line and not line.startswith("# ")]
    return [text.replace("\\e", "\x1b").replace("¦", "") for text in texts]


SECRETS = cases("secrets.txt")
NO_SECRETS = cases("no_secrets.txt")


def plain(text: str) -> str:
    """A case as it would stand in a log; a file of cases keeps a line break in a line."""
    text = re.sub("[⟦⟧]", "", text)
    return text if '"' in text and text.startswith("{") else text.replace("\\n", "\n")


def kept(case: str) -> list[str]:
    """What stands around the secrets of a case."""
    return [plain(part) if not case.startswith("{") else part for part in re.split("⟦.*?⟧", case)]


def test_there_are_enough_cases() -> None:
    assert len(SECRETS) >= 150
    assert len(NO_SECRETS) >= 150


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_is_replaced_and_all_around_it_stays(case: str) -> None:
    shown = REDACTOR.redact(plain(case))
    assert PLACEHOLDER.split(shown) == kept(case)
    assert REDACTOR.redact(shown) == shown


@pytest.mark.parametrize("case", NO_SECRETS)
def test_what_is_no_secret_stays(case: str) -> None:
    text = plain(case)
    assert REDACTOR.redact(text) is text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("password=hunter2", "secret"),
        ("token=" + "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345", "github-token"),
        ("x " + "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345", "github-token"),
        ("Authorization: Bearer " + "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef", "jwt"),
        ("card 4111 1111 1111 1111", "card"),
        ("hash $2y$10$" + "a" * 53, "hash"),
    ],
)
def test_a_placeholder_says_what_it_stands_for(text: str, kind: str) -> None:
    assert f"redacted-{kind}-" in REDACTOR.redact(text)


def test_another_installation_has_other_placeholders() -> None:
    text = "password=hunter2"
    assert Redactor(b"1" * 32).redact(text) != Redactor(b"2" * 32).redact(text)
    assert Redactor(b"1" * 32).redact(text) == Redactor(b"1" * 32).redact(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("password=hunter2", '{"password": "hunter2"}'),
        ('{"password": "hun\\"ter2"}', "password='hun\"ter2'"),
        ("postgres://bob:p%40ss@db/x", 'password="p@ss"'),
        ("postgres://bob:p@ss@db/x", 'password="p@ss"'),
        ("kind: Secret\ndata:\n  pw: aHVudGVyMg==", "password=hunter2"),
        ("4111 1111 1111 1111", "card 4111111111111111"),
        ("password=\x1b[31mhunter2\x1b[0m", "password=hunter2"),
        ('{"m": "{\\"password\\": \\"hun\\\\\\"ter2\\"}"}', "password='hun\"ter2'"),
        ("https://a/?token=abcd%2Bef12", "token=abcd+ef12"),
    ],
)
def test_the_same_secret_has_the_same_placeholder_in_other_writing(one: str, other: str) -> None:
    assert PLACEHOLDER.findall(REDACTOR.redact(one)) == PLACEHOLDER.findall(REDACTOR.redact(other))


def test_a_placeholder_of_somebody_else_protects_only_itself() -> None:
    shown = REDACTOR.redact("password=redacted-secret-000000hunter2 token redacted-secret-111111")
    assert PLACEHOLDER.sub("<>", shown) == "password=<><> token <>"
    assert "redacted-secret-000000" in shown
    assert "redacted-secret-111111" in shown


def test_personal_addresses_are_replaced_only_when_asked_for() -> None:
    text = "bob@example.com from 10.1.2.3 and 2001:db8::1, 127.0.0.1 and ::1 at 02:00:00, git@db:x"
    key = b"1" * 32
    assert Redactor(key).redact(text) is text
    by_email = Redactor(key, emails=True).redact(text)
    assert PLACEHOLDER.sub("<>", by_email) == text.replace("bob@example.com", "<>")
    both = PLACEHOLDER.sub("<>", Redactor(key, emails=True, addresses=True).redact(text))
    assert both == "<> from <> and <>, 127.0.0.1 and ::1 at 02:00:00, git@db:x"


def test_a_password_beside_an_address_is_no_address() -> None:
    redactor = Redactor(b"1" * 32, emails=True, addresses=True)
    shown = redactor.redact("postgres://bob:hunter2@db.example.com/shop")
    assert PLACEHOLDER.sub("<>", shown) == "postgres://bob:<>@db.example.com/shop"
    assert redactor.redact(shown) == shown


def test_patterns_of_ones_own() -> None:
    extra = [re.compile(r"emp-(\d{6})"), re.compile(r"project \w+")]
    redactor = Redactor(b"1" * 32, extra=extra)
    shown = redactor.redact("emp-123456 on project Aurora")
    assert re.fullmatch("emp-redacted-custom-[0-9a-f]{6} on redacted-custom-[0-9a-f]{6}", shown)
    assert redactor.redact(shown) == shown


def test_a_value_of_json_is_redacted_by_its_key_too() -> None:
    value: JsonValue = {
        "user": "bob",
        "password": "hunter2",
        "tokens": ["abcdef123456", 7, None],
        "state": {"api_key": "${API_KEY}", "note": "password=hunter2"},
        "key of password=hunter2": True,
    }
    [mark] = PLACEHOLDER.findall(REDACTOR.redact("password=hunter2"))
    shown = REDACTOR.redact_json(value)
    assert shown == {
        "user": "bob",
        "password": mark,
        "tokens": [REDACTOR.redact("token=abcdef123456").removeprefix("token="), 7, None],
        "state": {"api_key": "${API_KEY}", "note": f"password={mark}"},
        f"key of password={mark}": True,
    }
    assert REDACTOR.redact_json(shown) == shown
