"""The system as the looks see it: a few readings, which psutil takes and tests record.

Every reading may be None or empty where the system does not give it to this user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory and swap in bytes; `available` is what programs can get without swapping."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int = 0
    swap_used_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A file system's room; `available_bytes` is what an ordinary user can still write."""

    total_bytes: int
    used_bytes: int
    available_bytes: int
    num_inodes: int = 0
    num_free_inodes: int = 0


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process at one moment; `cpu_s` is the processor time that it has had so far."""

    pid: int
    parent_pid: int
    name: str
    status: str
    resident_bytes: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """What a network interface has counted since it came up."""

    name: str
    num_packets: int
    num_errors: int
    num_drops: int


@dataclass(frozen=True, slots=True)
class Clock:
    """What the kernel holds of its clock; the error is an upper bound."""

    is_synchronised: bool
    max_error_s: float


class System(Protocol):
    """Readings of one machine, none of which changes anything."""

    def memory(self) -> Memory:
        """Memory and swap now."""
        ...

    def load(self) -> tuple[float, float, float] | None:
        """Mean number of processes that run or want to: over 1, 5 and 15 minutes."""
        ...

    def num_processors(self) -> int:
        """How many processors the machine has."""
        ...

    def uptime_s(self) -> float:
        """Seconds since it was started."""
        ...

    def mount_points(self) -> Sequence[tuple[str, str, str]]:
        """(point, device, kind) of each file system, where /proc does not say."""
        ...

    def disk_space(self, point: str) -> DiskSpace | None:
        """The room on the file system mounted at `point`."""
        ...

    def processes(self) -> Sequence[ProcessReading]:
        """All processes that this user can see."""
        ...

    def num_open_files(self, pid: int) -> int | None:
        """How many file descriptors a process has open."""
        ...

    def links(self) -> Sequence[LinkCounters]:
        """The network interfaces."""
        ...

    def clock(self) -> Clock | None:
        """The kernel's view of its clock."""
        ...

    def wait(self, seconds: float) -> None:
        """Let that much time pass."""
        ...
