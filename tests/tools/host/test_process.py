"""One process: real ones in real trouble, and what is made of their details."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.evidence import Finding
from tools.host.process import described, look_at_process, troubles_of
from tools.host.process_details import ProcessDetails, find_pids
from tools.result import Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NGINX = ProcessDetails(
    pid=12,
    name="nginx",
    status="sleeping",
    user="www",
    started_at=NOW - timedelta(days=1),
    resident_bytes=12 << 20,
    num_threads=3,
    cpu_percent=4.4,
    num_open_files=14,
    max_open_files=1024,
)


def test_a_process_in_one_line() -> None:
    assert described(NGINX) == (
        "nginx (pid 12): sleeping, user www, started 2026-02-28T12:00:00Z, 3 threads, "
        "12.0 MiB resident, 4% CPU, 14 of 1024 files open"
    )
    assert described(ProcessDetails(7, "x", "zombie")) == "x (pid 7): zombie, 0% CPU"


@pytest.mark.parametrize(
    ("process", "note", "suspicion"),
    [
        (replace(NGINX, status="zombie"), "has ended", 0.6),
        (replace(NGINX, status="stopped"), "stopped by a signal", 0.85),
        (replace(NGINX, status="disk-sleep"), "waits for a disk", 0.4),
        (replace(NGINX, num_open_files=1000), "98% of the files", 0.9),
        (replace(NGINX, num_open_files=850), "83% of the files", 0.5),
        (replace(NGINX, num_zombie_children=3), "3 of its children are dead", 0.35),
        (replace(NGINX, cpu_percent=195.0), "1.9 processors", 0.3),
        (replace(NGINX, started_at=NOW - timedelta(seconds=20)), "only 20 s ago", 0.3),
    ],
)
def test_what_is_wrong(process: ProcessDetails, note: str, suspicion: float) -> None:
    ((said, weight),) = troubles_of(process, NOW)
    assert note in said
    assert weight == suspicion


def test_a_healthy_process_and_an_unlimited_one() -> None:
    assert list(troubles_of(NGINX, NOW)) == []
    unlimited = replace(NGINX, num_open_files=100_000, max_open_files=None)
    assert list(troubles_of(unlimited, NOW)) == []


@contextmanager
def running(code: str, *arguments: str, cwd: Path | None = None) -> Iterator[int]:
    """A Python process that has done `code` and then waits; its pid."""
    script = f"{code}\nprint('ready', flush=True)\nimport signal; signal.pause()"
    environment = {**os.environ, "SECRET_OF_THE_TEST": "hunter2"}
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        cwd=cwd,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


def look(target: int | str) -> tuple[Finding, ...]:
    result = look_at_process(target)
    assert result.status is Status.OK
    return result.findings


def line_of(findings: tuple[Finding, ...], what: str) -> str:
    return next(finding.text for finding in findings if finding.text.startswith(f"{what} of "))


def test_a_process_that_runs_out_of_files() -> None:
    code = (
        "import os, resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(58)]"
    )
    with running(code) as pid:
        main, *_ = look(pid)
    assert main.text.endswith(" of 64 files open")
    assert "of the files that it may open" in main.note
    assert main.suspicion == 0.9


def test_a_process_that_was_stopped() -> None:
    with running("") as pid:
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        main, *_ = look(pid)
    assert "stopped" in main.text
    assert main.suspicion == 0.85


def test_children_ports_and_places(tmp_path: Path) -> None:
    code = (
        "import os, socket, time\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "if not os.fork(): os._exit(0)\n"
        "os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
        "client = socket.create_connection(server.getsockname())"
    )
    with running(code, cwd=tmp_path) as pid:
        findings = look(str(pid))
    assert "1 of its children are dead and not collected" in findings[0].note
    assert line_of(findings, "working directory").endswith(f": {tmp_path}")
    assert "listens on 127.0.0.1:" in line_of(findings, "ports")
    assert "1 established" in line_of(findings, "connections")
    assert f"({os.getpid()})" in line_of(findings, "parent")
    assert "1: " in line_of(findings, "children")


def test_secrets_are_not_shown() -> None:
    with running("", "--password", "hunter2", "--token=hunter2", "--port", "80") as pid:
        findings = look(pid)
    shown = "\n".join(f"{finding.text} {finding.note}" for finding in findings)
    assert "--password **** --token=**** --port 80" in shown
    assert "hunter2" not in shown
    assert "SECRET_OF_THE_TEST" not in shown


def test_a_program_is_found_by_its_script(tmp_path: Path) -> None:
    script = tmp_path / "billing-worker.py"
    script.write_text("print('ready', flush=True)\nimport signal; signal.pause()\n")
    started = [subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) for _ in range(5)]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        found = find_pids("billing-worker")
        by_file = find_pids("Billing-Worker.py")
        result = look_at_process("billing-worker")
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert sorted(found) == sorted(by_file) == sorted(process.pid for process in started)
    assert result.summary.startswith("5 found for billing-worker: ")
    assert result.omitted == 2


def test_workers_are_told_with_what_started_them(tmp_path: Path) -> None:
    script = tmp_path / "prefork-server.py"
    script.write_text("import os, signal\nos.fork()\nos.write(1, b'ready\\n')\nsignal.pause()\n")
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            found = find_pids("prefork-server")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert lines == [b"ready\n"] * 2
    assert found == [process.pid]


@pytest.mark.parametrize(
    "target", ["no-such-program-here", "", 2**22 + 1, 10**30, -1, "²", "../../etc/passwd"]
)
def test_nothing_of_that_name(target: int | str) -> None:
    result = look_at_process(target)
    assert result.status is Status.NO_DATA
    assert result.findings == ()


class Cancelled(Exception):
    pass


def test_a_look_can_be_cancelled() -> None:
    def checkpoint() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        look_at_process(os.getpid(), checkpoint=checkpoint)
