"""`Host`: one machine under one look, with two readings of its processes a moment apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.host.kernel_files import KernelFiles
from tools.host.system import ProcessReading, System

SAMPLE_S = 0.2

Checkpoint = Callable[[], None]


def go_on() -> None:
    """The checkpoint of work that nobody cancels."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the looks share: the system, the kernel's files, and the processes before and after.

    `elapsed_s` lie between the two readings.
    """

    system: System
    files: KernelFiles
    earlier: Mapping[int, ProcessReading]
    processes: Sequence[ProcessReading]
    elapsed_s: float

    @property
    def by_pid(self) -> Mapping[int, ProcessReading]:
        """The processes as they were seen last."""
        return {process.pid: process for process in self.processes}

    def cpu_percent(self, process: ProcessReading) -> float:
        """What a process used of one processor between the readings; 0 for one that is new."""
        before = self.earlier.get(process.pid)
        if before is None or before.name != process.name:
            return 0.0
        return max(0.0, 100 * (process.cpu_s - before.cpu_s) / self.elapsed_s)


def watch(system: System, root: Path, checkpoint: Checkpoint = go_on) -> Host:
    """The machine, seen for at least `SAMPLE_S`: on a busy one the readings take their time."""
    started_s = system.uptime_s()
    earlier = {process.pid: process for process in system.processes()}
    checkpoint()
    system.wait(SAMPLE_S)
    elapsed_s = max(SAMPLE_S, system.uptime_s() - started_s)
    return Host(system, KernelFiles(root), earlier, system.processes(), elapsed_s)


def this_machine() -> System:
    """The machine that midwatch runs on; psutil is imported only now."""
    from tools.host.psutil_system import PsutilSystem

    return PsutilSystem()
