from datetime import UTC, datetime

import pytest

from tools.scope import ServiceState
from tools.services.systemd_units import parse_unit_files, parse_units, state_of

# As systemctl 252 prints it, without what is empty.
ACTIVE = """\
Type=simple
MainPID=64
StatusText=
Result=success
NRestarts=0
ExecMainCode=0
ExecMainStatus=0
Id=steady.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
StateChangeTimestamp=Fri 2026-11-20 16:26:39 UTC
ActiveEnterTimestamp=Fri 2026-11-20 16:26:37 UTC
ActiveEnterTimestampMonotonic=45715433861
TriggeredBy=
ConditionResult=yes
ConditionTimestamp=Fri 2026-11-20 16:26:37 UTC
"""
FAILED = """\
Type=simple
MainPID=0
Result=exit-code
NRestarts=3
ExecMainCode=1
ExecMainStatus=203
Id=crashed.service
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=static
StateChangeTimestamp=Fri 2026-11-20 16:26:35 UTC
ActiveEnterTimestamp=Fri 2026-11-20 16:26:33 UTC
"""
MISSING = """\
Type=
MainPID=0
Result=success
Id=nothere.service
LoadState=not-found
ActiveState=inactive
SubState=dead
LoadError=org.freedesktop.systemd1.NoSuchUnit "Unit nothere.service not found."
"""
RESTING = """\
Type=simple
MainPID=0
Result=success
NRestarts=0
Id=resting.service
LoadState=loaded
ActiveState=inactive
SubState=dead
UnitFileState=enabled
StateChangeTimestamp=
ConditionResult=no
ConditionTimestamp=
TriggeredBy=
"""


def state(text: str, **changes: str) -> ServiceState:
    lines = [line for line in text.splitlines() if line.partition("=")[0] not in changes]
    lines += [f"{name}={value}" for name, value in changes.items()]
    (unit,) = parse_units("\n".join(lines))
    return state_of(unit)


def test_units_are_read_block_by_block() -> None:
    units = parse_units("\n".join((ACTIVE, MISSING, FAILED)))
    assert [unit.id for unit in units] == ["steady.service", "nothere.service", "crashed.service"]
    assert [unit.is_there for unit in units] == [True, False, True]
    assert parse_units("") == []


@pytest.mark.parametrize("change", [{"LoadState": "masked"}, {"Id": "home.mount"}])
def test_what_is_no_service_is_not_there(change: dict[str, str]) -> None:
    text = "\n".join(f"{key}={value}" for key, value in change.items())
    (unit,) = parse_units(f"Id=web.service\nLoadState=loaded\n{text}")
    assert not unit.is_there


def test_a_running_unit() -> None:
    assert state(ACTIVE) == ServiceState(
        "steady.service",
        "active",
        True,
        "active (running) since 2026-11-20 16:26:37 UTC",
        64,
        datetime(2026, 11, 20, 16, 26, 37, 433861, tzinfo=UTC),
    )


def test_a_failed_unit() -> None:
    assert state(FAILED) == ServiceState(
        "crashed.service",
        "failed",
        False,
        "failed (failed) since 2026-11-20 16:26:35 UTC; result exit-code, exited with status 203;"
        " restarted 3 times by systemd",
        None,
        datetime(2026, 11, 20, 16, 26, 35, tzinfo=UTC),
        203,
    )


def test_a_killed_unit_has_no_exit_status() -> None:
    killed = state(FAILED, Result="signal", ExecMainCode="2", ExecMainStatus="9")
    assert killed.exit_status is None
    assert "result signal, killed by signal 9" in killed.description


def test_one_that_is_started_again_and_again_says_so() -> None:
    looping = state(FAILED, ActiveState="activating", SubState="auto-restart")
    assert (looping.state, looping.is_healthy) == ("auto-restart", False)


@pytest.mark.parametrize(
    ("changes", "is_healthy"),
    [
        ({}, False),
        ({"UnitFileState": "static"}, True),
        ({"UnitFileState": "disabled"}, True),
        ({"UnitFileState": "enabled-runtime"}, False),
        ({"Type": "oneshot"}, True),
        ({"TriggeredBy": "resting.socket"}, True),
        ({"ConditionTimestamp": "Fri 2026-11-20 16:26:37 UTC"}, True),
        ({"ActiveState": "deactivating"}, False),
        ({"ActiveState": "reloading"}, True),
    ],
)
def test_an_inactive_unit_is_unhealthy_when_it_is_meant_to_run(
    changes: dict[str, str], is_healthy: bool
) -> None:
    resting = state(RESTING, **changes)
    assert resting.is_healthy is is_healthy
    is_missed = not is_healthy and resting.state == "inactive"
    assert ("enabled, and not running" in resting.description) is is_missed


def test_the_status_text_of_a_service_is_cut() -> None:
    assert state(ACTIVE, StatusText="x" * 500).description.endswith(f"; {'x' * 200}")


def test_installed_units_without_templates_aliases_and_masks() -> None:
    output = """\
steady.service                    enabled         enabled
worker@.service                   static          -
display-manager.service           alias           -
masked.service                    masked          enabled
bad.service                       bad             enabled

old.service                       disabled
"""
    units = parse_unit_files(output)
    assert list(units) == ["steady.service", "old.service"]
    resting = state_of(units["steady.service"])
    assert (resting.state, resting.is_healthy, resting.pid) == ("inactive", True, None)
