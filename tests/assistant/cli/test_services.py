import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assistant.cli.program import Ran
from tools.scope import ServiceState

Midwatch = Callable[..., Ran]

STATES = [
    ServiceState("checkout", "RUNNING", True, "pid 7, uptime 1:02:03", log_paths=(Path("/c.log"),)),
    ServiceState("payments", "FATAL", False, "Exited too quickly \x1b[2J", exit_status=1),
]


class Manager:
    """A service manager with two services."""

    name = "manager"

    def list_services(self) -> list[ServiceState]:
        return STATES


@pytest.fixture
def _managed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.live.service_backends", lambda settings: [Manager()])


@pytest.mark.usefixtures("_managed")
def test_all_services_are_listed(midwatch: Midwatch) -> None:
    ran = midwatch("services", "list")
    assert (ran.status, ran.err) == (0, "")
    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["service", "state"],
        ["checkout", "RUNNING"],
        ["payments", "FATAL"],
    ]
    assert "\x1b" not in ran.out


@pytest.mark.usefixtures("_managed")
def test_services_as_json(midwatch: Midwatch) -> None:
    shown = json.loads(midwatch("services", "list", "--json").out)["services"]
    assert [service["name"] for service in shown] == ["checkout", "payments"]
    assert shown[1]["is_healthy"] is False
    one = json.loads(midwatch("services", "status", "checkout", "--json").out)
    assert (one["state"], one["log_paths"]) == ("RUNNING", ["/c.log"])


@pytest.mark.usefixtures("_managed")
def test_the_exit_status_says_whether_a_service_is_well(midwatch: Midwatch) -> None:
    assert midwatch("services", "status", "checkout") == Ran(
        0, "checkout RUNNING: pid 7, uptime 1:02:03\n  log /c.log\n", ""
    )
    ill = midwatch("services", "status", "payments")
    assert (ill.status, ill.out) == (1, "payments FATAL: Exited too quickly \\x1b[2J\n")


@pytest.mark.usefixtures("_managed")
def test_an_unknown_service_is_named_with_those_there_are(midwatch: Midwatch) -> None:
    ran = midwatch("services", "status", "paymints")
    assert (ran.status, ran.out) == (1, "")
    assert ran.said == ("midwatch: there is no service paymints\n  there are: checkout, payments\n")


def test_without_a_manager_the_setting_is_named(midwatch: Midwatch) -> None:
    ran = midwatch("services", "list")
    assert (ran.status, ran.out) == (1, "")
    assert "[services] supervisor" in ran.said
