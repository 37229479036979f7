"""The machine, as far as it decides how a model is loaded: what this process may use of it."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from assistant.cgroup import read_limits

# What the drivers of a GPU vendor leave behind: no sign that llama.cpp can use it.
_DRIVER_FILES = {"NVIDIA": "proc/driver/nvidia/version", "AMD": "dev/kfd"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What of a machine this process may use.

    A core may have several processors (hardware threads), which share its arithmetic. Of its
    `num_cores`, this process may run on `num_usable_cores`; `num_fast_cores` of those are
    performance cores, all of them where cores do not differ. `cpu_limit` (1.5 is one and a half
    processors) and `memory_limit_bytes` are a container's or a service's; `available_bytes` has
    the latter counted in.
    """

    num_cores: int
    num_usable_cores: int
    num_fast_cores: int
    num_usable_processors: int
    cpu_limit: float | None
    memory_limit_bytes: int | None
    available_bytes: int
    gpu_drivers: tuple[str, ...] = ()


def read_machine(root: Path = Path("/")) -> Machine:
    """This machine, now; `root` is where /proc and /sys are."""
    import psutil

    processors = usable_processors()
    cores = _cores(root) or {frozenset({processor}) for processor in processors}
    usable = {core for core in cores if core & processors}
    fast_processors = parse_cpu_list(_text(root / "sys/devices/cpu_core/cpus"))
    fast = {core for core in usable if core & fast_processors}
    limits = read_limits(root)
    available: int = psutil.virtual_memory().available
    if limits.memory is not None:
        available = min(available, limits.memory.available_bytes)
    return Machine(
        num_cores=len(cores),
        num_usable_cores=len(usable),
        num_fast_cores=len(fast or usable),
        num_usable_processors=len(processors),
        cpu_limit=limits.cpus,
        memory_limit_bytes=limits.memory.limit_bytes if limits.memory else None,
        available_bytes=available,
        gpu_drivers=tuple(v for v, file in _DRIVER_FILES.items() if (root / file).exists()),
    )


def usable_processors() -> frozenset[int]:
    """The processors that this process may run on."""
    if sys.platform == "linux":
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def parse_cpu_list(text: str) -> frozenset[int]:
    """The numbers that a list of the kernel's (`0-3,8`) names; none where it is no such list."""
    processors: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            processors.update(range(int(first), int(last or first) + 1))
    return frozenset(processors)


def _cores(root: Path) -> set[frozenset[int]]:
    """The processors of each core; none where the kernel does not say."""
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list")
    return {core for file in files if (core := parse_cpu_list(_text(file)))}


def _text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(encoding="ascii", errors="replace")
    return ""
