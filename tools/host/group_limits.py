"""What control groups allow midwatch and the services, against what they use: containers' limits.

Meaning of the files: the kernel's documentation of cgroup v1 and v2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tools.host.control_groups import Group, groups_of
from tools.host.facts import Fact, percent, used_of
from tools.host.host import Host
from tools.host.kernel_files import KernelFiles
from tools.host.limits import near_limit

# Version 1 has no word for "no limit": it gives the largest number of pages.
_NO_LIMIT_BYTES = 1 << 60
# Percent of the limit, and how suspicious that is.
_MEMORY_STEPS = ((95, 0.8), (90, 0.5))
# Percent of a group's periods in which it was held back.
_THROTTLED_STEPS = ((25, 0.6), (5, 0.35))
_LEAST_PERIODS = 100


def look_at_groups(host: Host, services: Mapping[str, int]) -> Iterator[Fact]:
    """Memory, processor time and processes of the groups of midwatch and of `services`."""
    looks: tuple[tuple[str, Callable[[Group], Iterator[Fact]]], ...] = (
        ("memory", _memory),
        ("memory", _kills),
        ("cpu", _throttling),
        ("pids", _processes),
    )
    processes = ["self", *map(str, services.values())]
    for controller, look in looks:
        found = (g for p in processes for g in groups_of(host.files.root, controller, p))
        for group in {group.folder: group for group in found}.values():
            yield from look(group)


def _memory(group: Group) -> Iterator[Fact]:
    files = KernelFiles(group.folder)
    limit = files.number("memory.max") or files.number("memory.limit_in_bytes")
    if not limit or limit >= _NO_LIMIT_BYTES:
        return
    in_use = files.number("memory.current") or files.number("memory.usage_in_bytes") or 0
    used = max(0, in_use - _droppable(files))
    text = f"group {group.name}: {used_of(used, limit)} memory used"
    share = percent(used, limit)
    suspicion = next((value for least, value in _MEMORY_STEPS if share >= least), 0.0)
    note = f"{share:.0f}% of the group's limit: at the limit its processes are killed"
    yield Fact("group", text, note if suspicion else "", suspicion)


def _droppable(files: KernelFiles) -> int:
    """File pages that have not been used lately: they count as used, and go when room is needed."""
    facts = files.counters("memory.stat")
    return facts.get("total_inactive_file", facts.get("inactive_file", 0))


def _kills(group: Group) -> Iterator[Fact]:
    files = KernelFiles(group.folder)
    events = files.counters("memory.events") or files.counters("memory.oom_control")
    kills = events.get("oom_kill", 0)
    if kills:
        text = f"group {group.name}: {kills} OOM kills since it was made"
        note = "the kernel killed processes at the group's memory limit"
        yield Fact("group", text, note, 0.65)


def _throttling(group: Group) -> Iterator[Fact]:
    counters = KernelFiles(group.folder).counters("cpu.stat")
    periods, held_back = counters.get("nr_periods", 0), counters.get("nr_throttled", 0)
    if periods < _LEAST_PERIODS:
        return
    share = percent(held_back, periods)
    text = f"group {group.name}: CPU held back in {held_back} of {periods} periods"
    suspicion = next((value for least, value in _THROTTLED_STEPS if share >= least), 0.0)
    note = f"{share:.0f}% of the time that it ran: its CPU limit slows it down"
    yield Fact("group", text, note if suspicion else "", suspicion)


def _processes(group: Group) -> Iterator[Fact]:
    files = KernelFiles(group.folder)
    used, limit = files.number("pids.current"), files.number("pids.max")
    if used is not None and limit:
        text = f"group {group.name}: {used} of {limit} processes and threads"
        yield near_limit("group", text, used, limit, "it can start no other")
