"""systemd: its program's arguments and errors from a stand-in, the rest from a real systemd."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.services.own_systemd import OwnSystemd, missing_part, own_systemd
from tools.errors import ActionFailed, BackendUnavailable, InvalidQuery, UnknownService
from tools.services.control import ServiceAction, Verb
from tools.services.operation import Operation
from tools.services.permits import Permits
from tools.services.systemd import SystemdControl
from tools.services.verification import Timing

SHOWN = "Id=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=7\n"
FILES = "old.service disabled -\n"
ORDERS = ("start", "stop", "restart")

STAND_IN = """#!/bin/sh
printf '%s\\n' "$*" >> '{folder}/calls'
for word in "$@"; do
  case "$word" in
    show) cat '{folder}/show'; exit 0 ;;
    list-unit-files) cat '{folder}/files'; exit 0 ;;
    start|stop|restart) cat '{folder}/said' >&2; . '{folder}/ending' ;;
  esac
done
echo "$LC_ALL $TZ $SECRET" >> '{folder}/environment'
echo 'a line'
"""


class StandIn:
    """A systemctl and journalctl that answer with given texts, and keep how they were called."""

    def __init__(self, folder: Path, is_user: bool = False) -> None:
        self.folder = folder
        program = folder / "program"
        program.write_text(STAND_IN.format(folder=folder))
        program.chmod(0o700)
        self.says("", "exit 0")
        (folder / "show").write_text(SHOWN)
        (folder / "files").write_text(FILES)
        self.control = SystemdControl(is_user, 5.0, 0.5, str(program), str(program))

    def says(self, complaint: str, ending: str) -> None:
        (self.folder / "said").write_text(complaint)
        (self.folder / "ending").write_text(ending)

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def action(verb: Verb, service: str) -> ServiceAction:
    return ServiceAction(verb, "systemd", service)


@pytest.mark.parametrize("verb", ORDERS)
def test_an_order_is_one_name_after_the_end_of_options(stand_in: StandIn, verb: Verb) -> None:
    stand_in.control.act(action(verb, "web.service"))
    assert stand_in.calls()[-1] == f"--no-ask-password --no-pager {verb} -- web.service"


def test_the_users_own_manager_is_another_one(tmp_path: Path) -> None:
    stand_in = StandIn(tmp_path, is_user=True)
    assert stand_in.control.name == "systemd-user"
    stand_in.control.act(action("stop", "web.service"))
    calls = stand_in.calls()
    assert all(call.startswith("--user --no-ask-password --no-pager ") for call in calls)
    stand_in.control.log_tail("web.service", 5)
    assert stand_in.calls()[-1].endswith(" --lines=5 --user-unit=web.service")


@pytest.mark.parametrize(
    "name",
    [
        "web",
        "WEB.service",
        "w*.service",
        "*",
        "web.service\n",
        "web.service old.service",
        "--all",
        "-web.service",
        "/etc/passwd",
        "worker@9.service",
        "w\u0435b.service",
        "",
    ],
)
def test_a_name_that_is_not_listed_never_reaches_systemctl(stand_in: StandIn, name: str) -> None:
    for call in (
        lambda: stand_in.control.act(action("restart", name)),
        lambda: stand_in.control.log_tail(name, 5),
        lambda: stand_in.control.state(name),
    ):
        with pytest.raises((UnknownService, InvalidQuery)):
            call()
    calls = stand_in.calls()
    assert not [call for call in calls if not call.endswith(("-- *", "--plain"))]


def test_a_hostile_name_that_is_listed_does_not_reach_it_either(stand_in: StandIn) -> None:
    (stand_in.folder / "show").write_text(SHOWN.replace("web.service", "--help.service"))
    with pytest.raises(InvalidQuery, match="no name of a service"):
        stand_in.control.act(action("stop", "--help.service"))


def test_other_verbs_are_not_known(stand_in: StandIn) -> None:
    with pytest.raises(InvalidQuery, match="cannot delete"):
        stand_in.control.act(action("delete", "web.service"))


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("Failed to start web.service: Unit web.service is masked.", "is masked", ""),
        ("Failed to restart web.service: Access denied", "this user may not restart", "polkit"),
        (
            "Failed to restart web.service: Interactive authentication required.",
            "this user may not restart web.service",
            "polkit",
        ),
        ("", "exit status 1", ""),
    ],
)
def test_a_refusal_is_said(stand_in: StandIn, said: str, message: str, hint: str) -> None:
    stand_in.says(said, "exit 1")
    with pytest.raises(ActionFailed, match=message) as caught:
        stand_in.control.act(action("restart", "web.service"))
    assert hint in caught.value.hint


def test_a_job_that_fails_is_an_order_that_was_taken(stand_in: StandIn) -> None:
    stand_in.says("Job for web.service failed because the control process exited", "exit 1")
    stand_in.control.act(action("restart", "web.service"))


def test_a_job_that_takes_long_goes_on_without_systemctl(stand_in: StandIn) -> None:
    stand_in.says("", "sleep 60")
    stand_in.control.act(action("restart", "web.service"))


def test_a_question_that_takes_long_is_an_error(stand_in: StandIn) -> None:
    (stand_in.folder / "program").write_text("#!/bin/sh\nsleep 60\n")
    control = SystemdControl(timeout_s=0.2, program=str(stand_in.folder / "program"))
    with pytest.raises(BackendUnavailable, match=r"gave no answer within 0\.2 s"):
        control.list_services()


@pytest.mark.parametrize(
    "said",
    [
        "Failed to connect to bus: No medium found",
        "System has not been booted with systemd as init system (PID 1).",
    ],
)
def test_a_systemd_that_does_not_run(stand_in: StandIn, said: str) -> None:
    (stand_in.folder / "program").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    with pytest.raises(BackendUnavailable, match="systemd does not answer") as caught:
        stand_in.control.list_services()
    assert said[:20] in caught.value.message


def test_a_systemd_that_ends_with_the_order(stand_in: StandIn) -> None:
    stand_in.says("Failed to connect to bus: Connection refused", "exit 1")
    with pytest.raises(BackendUnavailable, match="systemd does not answer"):
        stand_in.control.act(action("stop", "web.service"))


def test_no_systemctl_at_all() -> None:
    with pytest.raises(BackendUnavailable, match="cannot be run: No such file"):
        SystemdControl(program="/nonexistent/systemctl").list_services()


def test_the_environment_is_fixed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert stand_in.control.log_tail("web.service", 9) == ("a line",)
    assert (stand_in.folder / "environment").read_text() == "C.UTF-8 UTC \n"


UNITS = {
    "steady.service": "[Service]\nExecStart=/bin/sh -c 'echo INFO serving; exec sleep 600'\n",
    "crashing.service": "[Service]\nExecStart=/bin/sh -c 'echo ERROR no such table; exit 1'\n",
    "looping.service": "[Unit]\nStartLimitBurst=1000\n[Service]\nRestart=always\nRestartSec=1\n"
    "ExecStart=/bin/false\n",
    "stubborn.service": "[Service]\nTimeoutStopSec=1\n"
    "ExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'\n",
    "guarded.service": "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/true\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "worker@.service": "[Service]\nExecStart=/bin/sleep 600\n",
    "bad.service": "[Service\nExecStart=",
}


@pytest.fixture(scope="module")
def real() -> Iterator[OwnSystemd]:
    missing = missing_part()
    if missing:
        pytest.skip(missing)
    with pytest.MonkeyPatch.context() as monkeypatch, own_systemd(UNITS, monkeypatch) as started:
        yield started


def order(real: OwnSystemd, verb: Verb, service: str) -> None:
    real.control.act(ServiceAction(verb, "systemd-user", service))


@pytest.mark.system
def test_a_real_unit_is_started_restarted_and_stopped(real: OwnSystemd) -> None:
    order(real, "start", "steady.service")
    first = real.control.state("steady.service")
    assert (first.state, first.is_healthy) == ("active", True)
    order(real, "restart", "steady.service")
    second = real.control.state("steady.service")
    assert second.pid not in (None, first.pid)
    order(real, "stop", "steady.service")
    # A unit at rest is not loaded any more, and yet it is listed.
    assert real.control.state("steady.service").state == "inactive"


@pytest.mark.system
def test_the_real_list(real: OwnSystemd) -> None:
    names = [state.name for state in real.control.list_services()]
    assert {"steady.service", "crashing.service", "job.service"} <= set(names)
    assert not {"worker@.service", "bad.service"} & set(names)
    assert names == sorted(names)


@pytest.mark.system
def test_a_real_unit_that_fails(real: OwnSystemd) -> None:
    order(real, "start", "crashing.service")
    deadline = time.monotonic() + 10
    while real.control.state("crashing.service").state != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    failed = real.control.state("crashing.service")
    assert (failed.is_healthy, failed.exit_status, failed.pid) == (False, 1, None)
    assert "result exit-code, exited with status 1" in failed.description


@pytest.mark.system
def test_a_real_unit_that_is_started_again_and_again(real: OwnSystemd) -> None:
    order(real, "start", "looping.service")
    deadline = time.monotonic() + 10
    while real.control.state("looping.service").state != "auto-restart":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not real.control.state("looping.service").is_healthy
    order(real, "stop", "looping.service")
    assert real.control.state("looping.service").state in ("inactive", "failed")


@pytest.mark.system
@pytest.mark.parametrize("name", ["steady", "stead*.service", "worker@1.service", "*.service"])
def test_real_systemd_would_have_taken_names_that_are_refused(real: OwnSystemd, name: str) -> None:
    with pytest.raises((UnknownService, InvalidQuery)):
        order(real, "start", name)


@pytest.mark.system
def test_what_real_systemd_refuses(real: OwnSystemd) -> None:
    with pytest.raises(ActionFailed, match="Operation refused"):
        order(real, "start", "guarded.service")


@pytest.mark.system
def test_the_real_journal(real: OwnSystemd) -> None:
    order(real, "restart", "steady.service")
    deadline = time.monotonic() + 10
    while not (lines := real.control.log_tail("steady.service", 1)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lines[0].endswith(": INFO serving")
    assert real.control.log_tail("job.service", 5) == ()


@pytest.mark.system
@pytest.mark.parametrize(
    ("service", "verdict", "words"),
    [
        ("steady.service", "worked", "active (active (running) since"),
        ("stubborn.service", "worked", "active (active (running) since"),
        ("crashing.service", "did_not_help", "result exit-code"),
    ],
)
def test_an_operation_on_a_real_unit(
    real: OwnSystemd, service: str, verdict: str, words: str
) -> None:
    order(real, "restart", service)
    permits = Permits.parse(["systemd-user:*.service"])
    timing = Timing(poll_s=0.1, settle_s=4, steady_s=1)
    restart = ServiceAction("restart", "systemd-user", service)
    report = Operation(real.control, permits, timing).carry_out(restart)
    assert report.verdict == verdict, report
    assert words in report.summary
