"""Who may decide, by the settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.errors import SettingsError

ANNA = Person("cli", "anna", ("oncall", "dba"))


@pytest.mark.parametrize(
    ("entry", "person", "action", "may"),
    [
        ("cli:*:*", ANNA, "restart_service", True),
        ("cli:anna:restart_service", ANNA, "restart_service", True),
        ("cli:anna:restart_*", ANNA, "restart_service", True),
        ("cli:@oncall:*", ANNA, "run_code", True),
        ("cli:@dba:*", ANNA, "run_code", True),
        ("tui:*:*", ANNA, "restart_service", False),
        ("cli:anna:restart_service", ANNA, "stop_service", False),
        ("cli:anna:restart_*", ANNA, "run_code", False),
        ("cli:Anna:*", ANNA, "run_code", False),
        ("cli:ann:*", ANNA, "run_code", False),
        ("cli:ann*:*", ANNA, "run_code", False),
        ("cli:@admins:*", ANNA, "run_code", False),
        ("cli:oncall:*", ANNA, "run_code", False),
        ("cli:@oncall:*", Person("cli", "@oncall"), "run_code", False),
        ("cli:anna:*", Person("cli", "*"), "run_code", False),
        ("api:oidc:anna:*", Person("api", "oidc:anna"), "run_code", True),
        ("api:oidc:anna:*", Person("api", "oidc"), "run_code", False),
    ],
)
def test_an_entry_names_people_at_a_front(
    entry: str, person: Person, action: str, may: bool
) -> None:
    assert Policy.parse([entry]).may_decide(person, action) is may


def test_by_default_it_takes_a_terminal() -> None:
    policy = Policy.parse()
    assert policy.may_decide(ANNA, "run_code")
    assert policy.may_decide(Person("tui", "anna"), "run_code")
    assert not policy.may_decide(Person("slack", "U07"), "run_code")
    assert not policy.may_decide(Person("api", "anna"), "run_code")
    assert policy.expires == timedelta(minutes=15)


def test_without_an_entry_nobody_decides() -> None:
    assert not Policy.parse([]).may_decide(ANNA, "run_code")
    assert "nobody" in Policy.parse([]).who_may("run_code")


def test_those_who_may_are_told() -> None:
    policy = Policy.parse(["slack:@oncall:*", "cli:*:restart_*", "slack:U07:run_code"])
    assert policy.who_may("restart_service") == "@oncall (slack), anyone (cli)"
    assert policy.who_may("run_code") == "@oncall (slack), U07 (slack)"


@pytest.mark.parametrize(
    ("agreed", "missing"),
    [
        ([], 2),
        ([ANNA], 1),
        ([ANNA, ANNA], 1),
        ([ANNA, Person("tui", "anna")], 1),
        ([ANNA, Person("tui", "ben")], 0),
        ([ANNA, Person("slack", "U07")], 1),
        ([ANNA, Person("api", "mallory")], 1),
        ([Person("api", "mallory"), ANNA, Person("cli", "ben")], 0),
    ],
)
def test_two_people_are_two(agreed: list[Person], missing: int) -> None:
    policy = Policy.parse(["cli:*:*", "tui:*:*", "slack:*:*"], ["stop_*"])
    assert policy.num_missing("stop_service", agreed) == missing
    assert policy.num_people("restart_service") == 1


def test_who_may_not_decide_does_not_count() -> None:
    assert Policy.parse(["cli:ben:*"]).num_missing("run_code", [ANNA]) == 1


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "cli",
        "cli:*",
        "cli::*",
        "cli:@:*",
        "*:*:*",
        "mail:*:*",
        " cli:*:*",
        "cli:*:",
        "cli:*:Run",
        "cli:*:restart-service",
        "cli:*:run code",
    ],
)
def test_an_entry_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError):
        Policy.parse([entry])


def test_a_pattern_that_can_match_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="is no action"):
        Policy.parse(two_person=["restart-service"])


@pytest.mark.parametrize("expires", ["", "soon", "0s", "15", "-5m"])
def test_an_expiry_is_a_time_to_come(expires: str) -> None:
    with pytest.raises(SettingsError):
        Policy.parse(expires=expires)
