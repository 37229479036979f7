import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.services.supervised import launched
from tools.errors import BackendUnavailable
from tools.scope import ServiceState
from tools.services.sources import log_sources_of
from tools.services.supervisor import SupervisorBackend

PROGRAMS = {
    "steady": ("print('serving', flush=True); import time; time.sleep(600)", ""),
    "crashed": ("import sys; sys.exit('no such table: orders')", ""),
    "quit": ("import sys, time; time.sleep(1.2); sys.exit(4)", "autorestart=false"),
    "job": ("import time; time.sleep(1.2)", "autorestart=false"),
    "halted": ("import time; time.sleep(600)", ""),
    "spare": ("import time; time.sleep(600)", "autostart=false"),
    "slow": ("import time; time.sleep(600)", "startsecs=600"),
    "victim": ("import time; time.sleep(600)", "autorestart=false"),
    "infant": ("import time; time.sleep(600)", "startsecs=600"),
}


def sections(folder: Path) -> str:
    return "".join(
        f"""
[program:{name}]
command={sys.executable} -c "{code}"
startretries=1
stdout_logfile={folder}/{name}.log
redirect_stderr=true
{extra}
"""
        for name, (code, extra) in PROGRAMS.items()
    )


@pytest.fixture(scope="module")
def supervisord() -> Iterator[Path]:
    """A supervisord whose programs have settled; its folder is short enough for a socket path."""
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as name:
        folder = Path(name)
        with launched(folder, sections(folder)):
            _settle(folder)
            yield folder


def _supervisorctl(folder: Path, *words: str) -> None:
    program = [sys.executable, "-m", "supervisor.supervisorctl", "-s", f"unix://{folder}/s.sock"]
    subprocess.run([*program, *words], check=True, capture_output=True)


def _settle(folder: Path) -> None:
    backend = SupervisorBackend(f"unix://{folder}/s.sock")
    deadline = time.monotonic() + 20
    stopped = False
    while time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            state = {service.name: service.state for service in backend.list_services()}
        except BackendUnavailable:
            continue
        if state["halted"] == "RUNNING" and not stopped:
            _supervisorctl(folder, "stop", "halted")
            stopped = True
        settled = state["crashed"] == "FATAL" and state["job"] == state["quit"] == "EXITED"
        settled = settled and state["steady"] == state["victim"] == "RUNNING"
        if settled and stopped:
            return
    pytest.fail("the programs did not settle")


@pytest.fixture
def states(supervisord: Path) -> dict[str, ServiceState]:
    backend = SupervisorBackend(f"unix://{supervisord}/s.sock")
    return {state.name: state for state in backend.list_services()}


@pytest.mark.system
@pytest.mark.parametrize(
    ("name", "state", "is_healthy", "description"),
    [
        ("steady", "RUNNING", True, "running for "),
        ("crashed", "FATAL", False, "given up (limit 2 tries): Exited too quickly"),
        ("quit", "EXITED", False, "exited with status 4 at 20"),
        ("job", "EXITED", True, "exited with status 0, as expected, at 20"),
        ("halted", "STOPPED", False, "stopped at 20"),
        ("spare", "STOPPED", True, "not started"),
        ("slow", "STARTING", False, "starting at 20"),
    ],
)
def test_each_state_in_words(
    states: dict[str, ServiceState], name: str, state: str, is_healthy: bool, description: str
) -> None:
    service = states[name]
    assert (service.state, service.is_healthy) == (state, is_healthy)
    assert description in service.description


@pytest.mark.system
def test_pid_and_exit_status_stand_only_where_they_are_known(
    states: dict[str, ServiceState],
) -> None:
    assert states["steady"].pid is not None
    os.kill(states["steady"].pid, 0)
    assert states["crashed"].pid is None
    assert states["quit"].exit_status == 4
    assert states["job"].exit_status == 0
    assert states["crashed"].exit_status is None
    assert states["spare"].since is None
    assert states["halted"].since is not None


@pytest.mark.system
def test_log_files_become_sources_under_the_services_name(
    supervisord: Path, states: dict[str, ServiceState]
) -> None:
    sources = log_sources_of(states.values())
    assert sources["crashed"].paths == (supervisord / "crashed.log",)
    assert "no such table: orders" in sources["crashed"].paths[0].read_text()
    assert "spare" not in sources


@pytest.mark.system
@pytest.mark.parametrize(
    ("name", "state", "description"),
    [
        ("victim", "EXITED", "killed by a signal at 20"),
        ("infant", "BACKOFF", "will be tried again: Exited too quickly"),
    ],
)
def test_a_killed_program(supervisord: Path, name: str, state: str, description: str) -> None:
    backend = SupervisorBackend(f"unix://{supervisord}/s.sock")
    alive = {service.name: service for service in backend.list_services()}[name]
    assert alive.pid is not None
    os.kill(alive.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        dead = {service.name: service for service in backend.list_services()}[name]
        if dead.state == state:
            break
        time.sleep(0.02)
    assert dead.state == state
    assert not dead.is_healthy
    assert description in dead.description
