"""Operations on the programs of a real supervisord."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.tools.services.supervised import Supervised, await_state, supervised
from tools.services.control import ServiceAction, Verb
from tools.services.operation import Operation
from tools.services.permits import Permits
from tools.services.report import OperationReport, Step
from tools.services.verification import Timing

SERVING = "import time\nprint('INFO serving', flush=True)\ntime.sleep(600)\n"
CRASHING = "print('ERROR no such table: orders', flush=True)\nraise SystemExit(3)\n"
LATER = "import time\nprint('INFO serving', flush=True)\ntime.sleep(2)\nraise SystemExit(3)\n"
COMPLAINING = """
import time
print('INFO serving', flush=True)
while True:
    time.sleep(0.3)
    print('ERROR lost connection to db after', time.time(), 's', flush=True)
"""
PROGRAMS = {
    "steady": (SERVING, ""),
    "crashing": (SERVING, ""),
    "fleeting": (SERVING, "autorestart=true"),
    "stubborn": (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVING,
        "stopwaitsecs=1",
    ),
    "complaining": (COMPLAINING, ""),
    "doomed": (SERVING, ""),
}
QUICK = Timing(poll_s=0.1, settle_s=20, steady_s=1.5, max_failures=3)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Supervised]:
    with supervised(PROGRAMS) as running:
        for program in PROGRAMS:
            running.control.act(ServiceAction("start", "supervisor", program))
        for program in PROGRAMS:
            await_state(running.control, program, "RUNNING")
        yield running


def carry_out(
    daemon: Supervised, service: str, verb: Verb = "restart", steps: list[Step] | None = None
) -> OperationReport:
    permits = Permits.parse(["supervisor:*:restart,start,stop"])
    action = ServiceAction(verb, "supervisor", service)
    operation = Operation(daemon.control, permits, QUICK)
    return operation.carry_out(action, "RUNNING", steps.append if steps is not None else None)


@pytest.mark.system
def test_one_that_restarts_well(daemon: Supervised) -> None:
    report = carry_out(daemon, "steady")
    assert report.verdict == "worked", report
    assert report.before is not None
    assert report.after is not None
    assert report.after.state == "RUNNING"
    assert report.after.pid not in (None, report.before.pid)


@pytest.mark.system
def test_one_that_crashes_at_once(daemon: Supervised) -> None:
    daemon.program("crashing", CRASHING)
    steps: list[Step] = []
    report = carry_out(daemon, "crashing", steps=steps)
    assert report.verdict == "did_not_help", report
    assert "it is down: FATAL" in report.summary
    assert report.undo == ServiceAction("start", "supervisor", "crashing")
    assert "ERROR no such table: orders" in [finding.text for finding in report.findings]
    saved = next(step for step in steps if step.stage == "saved")
    assert saved.lines == ("INFO serving",)


@pytest.mark.system
def test_one_that_crashes_a_little_later(daemon: Supervised) -> None:
    daemon.program("fleeting", LATER)
    report = carry_out(daemon, "fleeting")
    assert report.verdict == "did_not_help", report
    assert "it did not stay so" in report.summary


@pytest.mark.system
def test_one_that_ignores_the_signal(daemon: Supervised) -> None:
    report = carry_out(daemon, "stubborn")
    assert report.verdict == "worked", report


@pytest.mark.system
def test_one_that_goes_on_logging_errors(daemon: Supervised) -> None:
    report = carry_out(daemon, "complaining")
    assert report.verdict == "did_not_help", report
    assert "lines since are errors" in report.summary
    after = [finding for finding in report.findings if finding.note.startswith("after")]
    assert after[0].text in (daemon.folder / "complaining.log").read_text()


@pytest.mark.system
def test_stopped_and_started_again_by_its_undo(daemon: Supervised) -> None:
    stopped = carry_out(daemon, "steady", "stop")
    assert stopped.verdict == "worked", stopped
    assert stopped.undo is not None
    assert carry_out(daemon, stopped.undo.service, stopped.undo.verb).verdict == "worked"


@pytest.mark.system
def test_a_supervisord_that_is_killed_in_the_middle() -> None:
    with supervised({"doomed": (SERVING, "")}) as running:
        running.control.act(ServiceAction("start", "supervisor", "doomed"))
        await_state(running.control, "doomed", "RUNNING")
        left: list[int] = []

        def kill(step: Step) -> None:
            if step.stage == "settled":
                left.append(running.control.state("doomed").pid or 0)
                running.process.kill()
                running.process.wait(10)

        operation = Operation(running.control, Permits.parse(["supervisor:doomed"]), QUICK)
        restart = ServiceAction("restart", "supervisor", "doomed")
        report = operation.carry_out(restart, progress=kill)
        os.kill(left[0], signal.SIGKILL)
        assert report.verdict == "unknown", report
        assert "supervisor fell silent" in report.summary
        assert report.before is not None
        assert report.before.pid not in (None, left[0])
