"""The processes: the largest and the busiest, the dead that nobody collected, the stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tools.host.facts import Fact, Look, Unseen, names, size
from tools.host.host import Host
from tools.host.kernel_files import KernelFiles
from tools.host.limits import near_limit
from tools.host.system import ProcessReading

_NUM_TOP = 3
_MAX_NAMED = 4
# What is small or idle is no answer to "what uses the memory?".
_LEAST_BYTES = 32 << 20
_LEAST_CPU_PERCENT = 5
# Numbers of zombies, and of stuck processes, from which on they are that suspicious.
_ZOMBIES = ((100, 0.65), (10, 0.45), (1, 0.2))
_STUCK = ((10, 0.7), (3, 0.55), (1, 0.4))
# Counting descriptors takes a look into a folder per process.
_MAX_COUNTED = 500
_OPEN_FILES = "Max open files"


class _Opened(NamedTuple):
    process: ProcessReading
    num_open: int
    limit: int


def look_at_processes(host: Host) -> Iterator[Look]:
    """The largest and busiest processes, zombies, and what waits uninterruptibly."""
    yield _top(host)
    yield from _zombies(host)
    yield from _stuck(host)


def look_at_open_files(host: Host, services: Mapping[str, int]) -> Iterator[Look]:
    """Open files of the processes near their own limit; of `services` (name: pid) always."""
    by_pid = host.by_pid
    pids = [pid for pid in dict.fromkeys([*services.values(), *by_pid]) if pid in by_pid]
    opened = [item for pid in pids[:_MAX_COUNTED] if (item := _opened(host, by_pid[pid]))]
    service_of = {pid: name for name, pid in services.items()}
    for process, num_open, limit in opened:
        name = service_of.get(process.pid)
        who = f"{name or process.name} (pid {process.pid})"
        text = f"open files of {who}: {num_open} of {limit}"
        what = "it can then open no file and accept no connection"
        fact = near_limit("open files", text, num_open, limit, what)
        if fact.is_trouble or name:
            yield fact
    unseen = [name for name, pid in services.items() if pid not in {o.process.pid for o in opened}]
    if unseen:
        yield Unseen(f"open files of {names(unseen, _MAX_NAMED)}")
    if pids[_MAX_COUNTED:]:
        yield Unseen(f"open files of {len(pids[_MAX_COUNTED:])} further processes")


def _opened(host: Host, process: ProcessReading) -> _Opened | None:
    limit = open_files_limit(host.files, process.pid)
    if limit is None:
        return None
    num_open = host.system.num_open_files(process.pid)
    return None if num_open is None else _Opened(process, num_open, limit)


def open_files_limit(files: KernelFiles, pid: int) -> int | None:
    """How many files the process may open; None when that is not known, or unlimited."""
    for line in files.lines(f"proc/{pid}/limits"):
        if line.startswith(_OPEN_FILES):
            soft = line.removeprefix(_OPEN_FILES).split()[0]
            return int(soft) if soft.isdigit() else None
    return None


def _top(host: Host) -> Fact:
    largest = _named(
        host,
        lambda process: process.resident_bytes,
        lambda process: size(process.resident_bytes),
        _LEAST_BYTES,
    )
    busiest = _named(
        host,
        host.cpu_percent,
        lambda process: f"{host.cpu_percent(process):.0f}%",
        _LEAST_CPU_PERCENT,
    )
    text = f"processes: {len(host.processes)}; most memory: {largest}; most CPU: {busiest}"
    return Fact("processes", text)


def _named(
    host: Host,
    measure: Callable[[ProcessReading], float],
    shown: Callable[[ProcessReading], str],
    least: float,
) -> str:
    ranked = sorted(host.processes, key=measure, reverse=True)[:_NUM_TOP]
    top = [f"{p.name} ({p.pid}) {shown(p)}" for p in ranked if measure(p) >= least]
    return ", ".join(top) or "none stands out"


def _zombies(host: Host) -> Iterator[Fact]:
    zombies = [process for process in host.processes if process.status == "zombie"]
    if not zombies:
        return
    parents = Counter(process.parent_pid for process in zombies)
    told = [f"{_who(host, pid)}: {number}" for pid, number in parents.most_common()]
    text = f"zombies: {len(zombies)}, children of {names(told, _MAX_NAMED)}"
    note = "dead processes whose parent does not collect them; each holds a process id"
    yield Fact("zombies", text, note, _step(_ZOMBIES, len(zombies)))


def _stuck(host: Host) -> Iterator[Fact]:
    """Those that waited uninterruptibly in both readings: one reading catches ordinary I/O."""
    stuck = [
        process
        for process in host.processes
        if process.status == "disk-sleep"
        and (before := host.earlier.get(process.pid))
        and before.status == "disk-sleep"
        and before.cpu_s == process.cpu_s
    ]
    if not stuck:
        return
    told = names([f"{process.name} ({process.pid})" for process in stuck], _MAX_NAMED)
    text = f"uninterruptible: {len(stuck)}: {told}"
    note = "they wait for a disk or a network file system, and cannot be killed meanwhile"
    yield Fact("uninterruptible", text, note, _step(_STUCK, len(stuck)))


def _who(host: Host, pid: int) -> str:
    process = host.by_pid.get(pid)
    return f"{process.name} ({pid})" if process else f"pid {pid}"


def _step(steps: tuple[tuple[int, float], ...], number: int) -> float:
    return next((suspicion for least, suspicion in steps if number >= least), 0.0)
