"""Who counts as a person."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest

from assistant.approvals.person import Person, system_person
from assistant.errors import ApprovalRefused


@pytest.mark.parametrize("user", ["", "  ", "an\nna", "anna\u202e", "anna\x00", "\ud800"])
def test_nobody_decides_without_a_name(user: str) -> None:
    with pytest.raises(ApprovalRefused, match="nobody's name"):
        Person("cli", user)


@pytest.mark.parametrize("front", ["", "model", "CLI", "agent"])
def test_a_person_comes_from_a_front(front: Any) -> None:
    with pytest.raises(ApprovalRefused, match="there is no front"):
        Person(front, "anna")


def test_the_terminal_and_the_app_have_the_same_people() -> None:
    assert Person("cli", "anna").directory == Person("tui", "anna").directory
    assert Person("slack", "anna").directory != Person("cli", "anna").directory
    assert str(Person("slack", "U07")) == "U07 (slack)"


def test_the_user_of_this_machine_is_taken_from_no_variable(monkeypatch: Any) -> None:
    for variable in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "mallory")
    person = system_person("cli")
    assert person.user == pwd.getpwuid(os.getuid()).pw_name
    assert "" not in person.groups
    assert person.groups


def test_a_user_without_a_name_has_a_number(monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert system_person("tui") == Person("tui", "uid-4000000")
