"""The machine that midwatch runs on, through psutil. Its errors end here, as missing readings."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence

import psutil

from tools.host.adjtimex import read_clock
from tools.host.system import Clock, DiskSpace, LinkCounters, Memory, ProcessReading


class PsutilSystem:
    """This machine, now."""

    def memory(self) -> Memory:
        """Memory and swap now."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return Memory(memory.total, memory.available, swap.total, swap.used)

    def load(self) -> tuple[float, float, float] | None:
        """Mean number of processes that run or want to: over 1, 5 and 15 minutes."""
        with contextlib.suppress(OSError):
            return psutil.getloadavg()
        return None

    def num_processors(self) -> int:
        """How many processors the machine has."""
        return psutil.cpu_count() or 1

    def uptime_s(self) -> float:
        """Seconds since it was started."""
        return time.time() - psutil.boot_time()

    def mount_points(self) -> Sequence[tuple[str, str, str]]:
        """(point, device, kind) of each file system on a device."""
        return [(part.mountpoint, part.device, part.fstype) for part in psutil.disk_partitions()]

    def disk_space(self, point: str) -> DiskSpace | None:
        """The room on the file system mounted at `point`; None when it cannot be asked."""
        try:
            facts = os.statvfs(point)
        except OSError:
            return None
        total = facts.f_blocks * facts.f_frsize
        used = total - facts.f_bfree * facts.f_frsize
        available = facts.f_bavail * facts.f_frsize
        return DiskSpace(total, used, available, facts.f_files, facts.f_favail)

    def processes(self) -> Sequence[ProcessReading]:
        """All processes that this user can see."""
        wanted = ["pid", "ppid", "name", "status", "memory_info", "cpu_times"]
        return [_reading(process.info) for process in psutil.process_iter(wanted)]

    def num_open_files(self, pid: int) -> int | None:
        """How many file descriptors a process has open; None when this user may not know."""
        with contextlib.suppress(psutil.Error, OSError):
            return psutil.Process(pid).num_fds()
        return None

    def links(self) -> Sequence[LinkCounters]:
        """The network interfaces."""
        counters = psutil.net_io_counters(pernic=True)
        return [
            LinkCounters(
                name,
                link.packets_sent + link.packets_recv,
                link.errin + link.errout,
                link.dropin + link.dropout,
            )
            for name, link in counters.items()
        ]

    def clock(self) -> Clock | None:
        """The kernel's view of its clock; None on other systems than Linux."""
        return read_clock()

    def wait(self, seconds: float) -> None:
        """Let that much time pass."""
        time.sleep(seconds)


def _reading(info: dict[str, object]) -> ProcessReading:
    """What psutil gave of a process; it gives None for what this user may not know."""
    memory, cpu = info["memory_info"], info["cpu_times"]
    return ProcessReading(
        pid=int(str(info["pid"])),
        parent_pid=int(str(info["ppid"] or 0)),
        name=str(info["name"] or "?"),
        status=str(info["status"] or "?"),
        resident_bytes=getattr(memory, "rss", 0),
        cpu_s=getattr(cpu, "user", 0.0) + getattr(cpu, "system", 0.0),
    )
