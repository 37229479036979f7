"""A real supervisord with programs of a test's own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.errors import BackendUnavailable
from tools.services.supervisor_control import SupervisorControl
from tools.services.supervisor_rpc import Address, ask


@dataclass(frozen=True)
class Supervised:
    """A running supervisord, its folder and its process."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s.sock"

    @property
    def control(self) -> SupervisorControl:
        return SupervisorControl(self.url)

    def program(self, name: str, code: str) -> None:
        """Replace the code of a program, from its next start on."""
        (self.folder / f"{name}.py").write_text(code)


@contextmanager
def supervised(programs: Mapping[str, tuple[str, str]], more: str = "") -> Iterator[Supervised]:
    """supervisord with `programs` (name: code and further settings), when it answers."""
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as name:
        folder = Path(name)
        for program, (code, _) in programs.items():
            (folder / f"{program}.py").write_text(code)
        with launched(folder, f"{more}\n{_sections(folder, programs)}") as running:
            _await(running)
            yield running


@contextmanager
def launched(folder: Path, sections: str) -> Iterator[Supervised]:
    """supervisord in `folder` with its own settings and `sections`, from its start to its end."""
    (folder / "s.conf").write_text(_configuration(folder, sections))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(folder / "s.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running = Supervised(folder, process)
    try:
        yield running
    finally:
        if process.poll() is None:
            # On its way out supervisord stops one program a second; asked before, all at once.
            with contextlib.suppress(BackendUnavailable):
                ask(Address.parse(running.url), "stopAllProcesses", 20)
            process.terminate()
        process.wait(30)


def _sections(folder: Path, programs: Mapping[str, tuple[str, str]]) -> str:
    return "".join(
        f"""
[program:{name}]
command={sys.executable} -u {folder}/{name}.py
autostart=false
startretries=0
startsecs=1
stdout_logfile={folder}/{name}.log
redirect_stderr=true
{extra}
"""
        for name, (_, extra) in programs.items()
    )


def _configuration(folder: Path, sections: str) -> str:
    return f"""
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
[unix_http_server]
file={folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
{sections}
"""


def _await(running: Supervised) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            running.control.list_services()
            return
        except BackendUnavailable:
            time.sleep(0.05)
    pytest.fail("supervisord did not answer")


def await_state(control: SupervisorControl, service: str, *wanted: str) -> None:
    """Wait until the service is in one of the wanted states."""
    deadline = time.monotonic() + 20
    while (state := control.state(service).state) not in wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"{service} is {state} and not {wanted}")
        time.sleep(0.05)
