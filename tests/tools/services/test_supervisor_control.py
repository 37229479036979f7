import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.tools.services.supervised import Supervised, await_state, supervised
from tools.errors import ActionFailed, BackendUnavailable, InvalidQuery, UnknownService
from tools.scope import ServiceState
from tools.services.control import ServiceAction, Verb
from tools.services.supervisor_control import SupervisorControl
from tools.services.supervisor_rpc import FaultCode, OrderRefused

SLEEP = "import time\nprint('serving', flush=True)\ntime.sleep(600)\n"
PROGRAMS = {
    "steady": (SLEEP, ""),
    "stubborn": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP,
        "stopwaitsecs=1",
    ),
    "crashing": ("print('no such table: orders', flush=True)\nraise SystemExit(3)\n", ""),
    "worker": (SLEEP, "process_name=%(program_name)s_%(process_num)d\nnumprocs=2"),
    "chatty": (
        "import sys\n"
        "for n in range(40): print('line', n)\n"
        "print('\\x1b[31mred\\x1b[0m')\n"
        "print('complaint', file=sys.stderr)\n" + SLEEP,
        "redirect_stderr=false\nstderr_logfile=AUTO",
    ),
    "silent": ("import time\ntime.sleep(600)\n", "stdout_logfile=NONE"),
}
MISSING = "[program:missing]\ncommand=/nonexistent/program\nautostart=false\n"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def daemon(port: int) -> Iterator[Supervised]:
    http = f"[inet_http_server]\nport=127.0.0.1:{port}\nusername=ops\npassword=pw\n"
    with supervised(PROGRAMS, http + MISSING) as running:
        yield running


def action(verb: Verb, service: str) -> ServiceAction:
    return ServiceAction(verb, "supervisor", service)


def await_next_second() -> None:
    """supervisor tells times in whole seconds."""
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.02)


def bring_up(control: SupervisorControl, service: str) -> None:
    """Whatever an earlier test left of it."""
    if control.state(service).state not in ("STARTING", "RUNNING"):
        control.act(action("start", service))
    await_state(control, service, "RUNNING")


@pytest.mark.system
def test_a_service_is_started_restarted_and_stopped(daemon: Supervised) -> None:
    control = daemon.control
    control.act(action("start", "steady"))
    await_state(control, "steady", "RUNNING")
    first = control.state("steady").pid
    control.act(action("restart", "steady"))
    await_state(control, "steady", "RUNNING")
    assert control.state("steady").pid not in (None, first)
    control.act(action("stop", "steady"))
    await_state(control, "steady", "STOPPED")


@pytest.mark.system
def test_a_program_that_ignores_the_signal_is_waited_for(daemon: Supervised) -> None:
    control = daemon.control
    bring_up(control, "stubborn")
    first = control.state("stubborn").pid
    control.act(action("restart", "stubborn"))
    assert control.state("stubborn").state in ("STARTING", "RUNNING")
    assert control.state("stubborn").pid != first


@pytest.mark.system
def test_one_that_does_not_stop_in_time_is_not_started_again(daemon: Supervised) -> None:
    # A clock that runs ahead of supervisor's own, which would kill the program after a second.
    ticks = iter(range(0, 100_000, 200))
    control = SupervisorControl(daemon.url, clock=lambda: float(next(ticks)))
    bring_up(daemon.control, "stubborn")
    with pytest.raises(ActionFailed, match="did not stop within 11 s, and was not started again"):
        control.act(action("restart", "stubborn"))
    await_state(control, "stubborn", "STOPPED")


@pytest.mark.system
def test_a_service_that_has_given_up_is_restarted_by_starting_it(daemon: Supervised) -> None:
    control = daemon.control
    control.act(action("start", "crashing"))
    await_state(control, "crashing", "FATAL")
    control.act(action("restart", "crashing"))
    await_state(control, "crashing", "FATAL")
    assert control.log_tail("crashing", 10) == ("no such table: orders",) * 2


class Late(SupervisorControl):
    """It sees at first a state that has passed: the service ended right after it was asked."""

    looks = 0

    def state(self, service: str) -> ServiceState:
        self.looks += 1
        now = super().state(service)
        return replace(now, state="RUNNING") if self.looks == 1 else now


@pytest.mark.system
def test_a_service_that_ends_just_before_it_is_stopped_is_restarted_all_the_same(
    daemon: Supervised,
) -> None:
    daemon.control.act(action("restart", "crashing"))
    await_state(daemon.control, "crashing", "FATAL")
    first = daemon.control.state("crashing").since
    await_next_second()
    Late(daemon.url).act(action("restart", "crashing"))
    await_state(daemon.control, "crashing", "FATAL")
    assert daemon.control.state("crashing").since != first


@pytest.mark.system
def test_one_program_of_a_group_is_acted_on_and_never_the_group(daemon: Supervised) -> None:
    control = daemon.control
    control.act(action("start", "worker:worker_1"))
    await_state(control, "worker:worker_1", "RUNNING")
    assert control.state("worker:worker_0").state == "STOPPED"
    for name in ("worker", "worker:", "worker:*", "worker:worker_*", "all"):
        with pytest.raises(UnknownService, match="no service named exactly"):
            control.act(action("stop", name))
    assert control.state("worker:worker_1").state == "RUNNING"


@pytest.mark.system
@pytest.mark.parametrize(
    ("verb", "service", "code", "words"),
    [
        ("stop", "silent", FaultCode.NOT_RUNNING, "it is not running"),
        ("start", "missing", FaultCode.NO_FILE, "there is no such file"),
    ],
)
def test_what_supervisor_refuses_is_said(
    daemon: Supervised, verb: Verb, service: str, code: FaultCode, words: str
) -> None:
    with pytest.raises(OrderRefused, match=words) as caught:
        daemon.control.act(action(verb, service))
    assert caught.value.code is code
    assert "supervisor says" in caught.value.hint


@pytest.mark.system
def test_what_runs_is_not_started_twice(daemon: Supervised) -> None:
    control = daemon.control
    bring_up(control, "chatty")
    with pytest.raises(OrderRefused, match="running or starting already"):
        control.act(action("start", "chatty"))


@pytest.mark.system
def test_verbs_of_other_managers_are_not_known(daemon: Supervised) -> None:
    with pytest.raises(InvalidQuery, match="cannot scale"):
        daemon.control.act(ServiceAction("scale", "supervisor", "steady", 2))


@pytest.mark.system
def test_the_newest_lines_of_both_logs(daemon: Supervised) -> None:
    control = daemon.control
    bring_up(control, "chatty")
    assert control.log_tail("chatty", 6) == (
        "line 39",
        "\x1b[31mred\x1b[0m",
        "serving",
        "complaint",
    )
    assert control.log_tail("silent", 5) == ()
    with pytest.raises(UnknownService):
        control.log_tail("chatty ", 5)


@pytest.mark.system
def test_a_log_on_another_machine_is_asked_for(daemon: Supervised, port: int) -> None:
    control = SupervisorControl(f"http://ops:pw@127.0.0.1:{port}")
    bring_up(control, "steady")
    assert control.log_tail("steady", 1) == ("serving",)
    assert control.log_tail("missing", 5) == ()
    bring_up(control, "chatty")
    with pytest.raises(BackendUnavailable, match="XML-RPC cannot carry"):
        control.log_tail("chatty", 5)


def test_a_supervisor_that_is_not_there() -> None:
    control = SupervisorControl("unix:///nonexistent/s.sock")
    for call in (control.list_services, lambda: control.log_tail("web", 5)):
        with pytest.raises(BackendUnavailable, match="no supervisor socket"):
            call()
    # Nothing is in doubt: the order was never sent.
    with pytest.raises(ActionFailed, match="was not told to restart web: there is no supervisor"):
        control.act(action("restart", "web"))
