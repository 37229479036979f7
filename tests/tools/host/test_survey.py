"""The survey of a recorded machine, and of the one that the tests run on."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.tools.host.recorded import HEALTHY_PRESSURE, Recorded, process
from tools.evidence import Finding
from tools.host.facts import GIB
from tools.host.survey import MAX_FINDINGS, survey_host
from tools.host.system import DiskSpace, Memory
from tools.result import Status, ToolResult

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def survey(machine: Recorded, services: dict[str, int] | None = None) -> ToolResult:
    return survey_host(services or {}, system=machine.system, root=machine.root)


def healthy(machine: Recorded) -> Recorded:
    """A machine whose kernel tells everything."""
    for resource in ("cpu", "memory", "io"):
        machine.write(f"proc/pressure/{resource}", HEALTHY_PRESSURE)
    machine.write("proc/vmstat", "oom_kill 0\n")
    machine.write("proc/sys/fs/file-nr", "900\t0\t10000\n")
    machine.write("proc/sys/kernel/pid_max", "32768\n")
    machine.write("proc/loadavg", "0.5 0.4 0.3 1/200 4711\n")
    machine.write("proc/net/tcp", "head\n")
    machine.write("dev/kmsg", "6,1,1,-;Linux version 6\n")
    machine.write("proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda1 rw\n")
    machine.system.space = {"/": DiskSpace(100 * GIB, 44 * GIB, 56 * GIB, 100, 90)}
    machine.system.process_list = [process(1, "init")]
    return machine


def test_a_healthy_machine_has_no_findings_and_its_figures_in_words(machine: Recorded) -> None:
    result = survey(healthy(machine))
    assert result.status is Status.NO_DATA
    assert result.findings == ()
    assert result.summary == (
        "This machine was looked at; nothing is wrong or near a limit.\n"
        "Healthy: memory: 8.0 of 16.0 GiB used, 8.0 GiB available; swap: none; "
        "load: 0.5, 0.4, 0.3 (1, 5, 15 min) on 4 CPUs; uptime: 12 days; "
        "disk / (/dev/vda1, ext4): 44.0 of 100.0 GiB used (44%), 56.0 GiB free; "
        "processes: 1; most memory: none stands out; most CPU: none stands out; "
        "listening TCP ports: none.\n"
        "Healthy as well: pressure, OOM kills, open files, process table, connections, clock, "
        "kernel log."
    )


def test_the_memory_of_a_container_is_told(machine: Recorded) -> None:
    healthy(machine)
    machine.write("proc/self/cgroup", "0::/\n")
    mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    machine.write("proc/self/mountinfo", mount)
    machine.write("sys/fs/cgroup/memory.max", f"{GIB}\n")
    machine.write("sys/fs/cgroup/memory.current", f"{GIB * 3 // 4}\n")
    assert "group /: 0.8 of 1.0 GiB memory used" in survey(machine).summary


def test_trouble_is_told_worst_first(machine: Recorded) -> None:
    healthy(machine)
    machine.system.memory_now = Memory(16 * GIB, GIB // 4)
    machine.system.process_list = [process(1), process(7, "java", resident_bytes=12 * GIB)]
    machine.system.load_now = (12, 5, 2)
    machine.system.space = {"/": DiskSpace(100 * GIB, 100 * GIB, 0, 100, 90)}
    result = survey(machine)
    assert result.status is Status.OK
    assert [finding.source for finding in result.findings] == [
        "host: disk",
        "host: memory",
        "host: load",
    ]
    assert result.findings[1] == Finding(
        "capture",
        "host: memory",
        "memory: 15.8 of 16.0 GiB used, 256.0 MiB available",
        None,
        "only 1.6% is left; largest: java (pid 7), 12.0 GiB",
        0.8,
    )
    assert "3 figures are wrong or near a limit: disk, memory, load." in result.summary


def test_healthy_figures_are_findings_when_they_are_asked_for(machine: Recorded) -> None:
    result = survey_host(system=healthy(machine).system, root=machine.root, with_healthy=True)
    assert result.status is Status.OK
    memory = next(finding for finding in result.findings if finding.source == "host: memory")
    assert memory.text == "memory: 8.0 of 16.0 GiB used, 8.0 GiB available"
    assert {finding.suspicion for finding in result.findings} == {0.0}


def test_findings_are_bounded_and_counted(machine: Recorded) -> None:
    healthy(machine)
    services = {f"s{n}": n for n in range(100, 120)}
    machine.system.process_list = [process(pid) for pid in services.values()]
    for pid in services.values():
        machine.write(f"proc/{pid}/limits", "Max open files 100 100 files\n")
        machine.system.open_files[pid] = 99
    result = survey(machine, services)
    assert len(result.findings) == MAX_FINDINGS
    assert result.omitted == 20 - MAX_FINDINGS
    assert "20 figures are wrong" in result.summary


def test_a_system_without_proc_says_what_it_could_not_see(machine: Recorded) -> None:
    machine.system.load_now = machine.system.clock_now = None
    result = survey(machine)
    last = result.summary.splitlines()[-1]
    assert last.startswith("Not visible here: memory pressure, OOM kills, load, cpu pressure")
    assert "clock synchronisation" in last


class Cancelled(Exception):
    pass


@pytest.mark.parametrize("number", [1, 2, 6, 11])
def test_a_survey_can_be_cancelled_between_its_steps(machine: Recorded, number: int) -> None:
    calls = iter(range(1, number))

    def checkpoint() -> None:
        if next(calls, None) is None:
            raise Cancelled

    with pytest.raises(Cancelled):
        survey_host(system=healthy(machine).system, root=machine.root, checkpoint=checkpoint)


def of_topic(result: ToolResult, topic: str) -> list[str]:
    return [finding.text for finding in result.findings if finding.source == f"host: {topic}"]


@needs_linux
def test_this_machine() -> None:
    result = survey_host({"tests": os.getpid()}, with_healthy=True)
    assert result.status is Status.OK
    (memory,) = of_topic(result, "memory")
    assert f"of {psutil.virtual_memory().total / GIB:.1f} GiB used" in memory
    assert of_topic(result, "load")
    assert of_topic(result, "disk")
    assert any(f"tests (pid {os.getpid()}): " in text for text in of_topic(result, "open files"))
    assert any(" of " in text for text in of_topic(result, "process table"))


@needs_linux
def test_a_port_that_really_listens_and_does_not_accept() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        port = listener.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
        result = survey_host(with_healthy=True)
        for client in clients:
            client.close()
    assert f"listen queue of 127.0.0.1:{port}: 6 connections wait" in of_topic(
        result, "listen queue"
    )


@needs_linux
def test_a_zombie_that_really_is_one() -> None:
    """More than others that this machine may have, of which only the most are named."""
    ended = [subprocess.Popen(["true"]) for _ in range(12)]
    for child in ended:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    (zombies,) = of_topic(survey_host(), "zombies")
    for child in ended:
        child.wait()
    count = re.search(rf"\({os.getpid()}\): (\d+)", zombies)
    assert count is not None
    assert int(count[1]) >= len(ended)


@needs_linux
def test_nothing_is_written_and_no_program_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[tuple[str, int]] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not is_watching:
            return
        if event == "open" and isinstance(arguments[2], int):
            opened.append((str(arguments[0]), arguments[2]))
        assert event not in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")

    is_watching = True
    sys.addaudithook(watch)
    try:
        survey_host()
    finally:
        is_watching = False
    assert opened
    assert not [path for path, flags in opened if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
