"""Memory and swap, and the processes that the kernel killed for want of it."""

from __future__ import annotations

from collections.abc import Iterator

from tools.host.facts import Fact, Look, Unseen, age, percent, size, used_of
from tools.host.host import Host
from tools.host.pressure import look_at_pressure

_SCARCE_PERCENT = 10
_GONE_PERCENT = 5
_SWAP_FULL_PERCENT = 80
_FRESH_S = 3600


def look_at_memory(host: Host) -> Iterator[Look]:
    """Memory, swap, memory pressure, kills."""
    yield _memory(host)
    yield _swap(host)
    yield from look_at_pressure(host, "memory")
    yield _kills(host)


def _memory(host: Host) -> Fact:
    memory = host.system.memory()
    used = memory.total_bytes - memory.available_bytes
    text = (
        f"memory: {used_of(used, memory.total_bytes)} used, "
        f"{size(memory.available_bytes)} available"
    )
    left = percent(memory.available_bytes, memory.total_bytes)
    if left >= _SCARCE_PERCENT:
        return Fact("memory", text)
    note = f"only {left:.1f}% is left{_largest(host)}"
    return Fact("memory", text, note, 0.8 if left < _GONE_PERCENT else 0.5)


def _largest(host: Host) -> str:
    largest = max(host.processes, key=lambda process: process.resident_bytes, default=None)
    if largest is None:
        return ""
    return f"; largest: {largest.name} (pid {largest.pid}), {size(largest.resident_bytes)}"


def _swap(host: Host) -> Fact:
    memory = host.system.memory()
    if not memory.swap_total_bytes:
        return Fact("swap", "swap: none")
    text = f"swap: {used_of(memory.swap_used_bytes, memory.swap_total_bytes)} used"
    used = percent(memory.swap_used_bytes, memory.swap_total_bytes)
    if used < _SWAP_FULL_PERCENT:
        return Fact("swap", text)
    return Fact("swap", text, f"{used:.0f}% of the swap space is used", 0.5)


def _kills(host: Host) -> Look:
    """The kernel counts since the start, and does not say when each was."""
    kills = host.files.counters("proc/vmstat").get("oom_kill")
    if kills is None:
        return Unseen("OOM kills")
    uptime_s = host.system.uptime_s()
    text = f"OOM kills: {kills} in {age(uptime_s)} since the machine was started"
    if not kills:
        return Fact("OOM kills", text)
    note = "the kernel killed processes for want of memory"
    return Fact("OOM kills", text, note, 0.7 if uptime_s < _FRESH_S else 0.25)
