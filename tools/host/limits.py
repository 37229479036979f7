"""The kernel's tables against their limits: open files, processes, tracked connections."""

from __future__ import annotations

from collections.abc import Iterator

from tools.host.facts import Fact, Look, Unseen, percent
from tools.host.host import Host

# Percent of a limit from which on it is trouble, and how suspicious that is.
_STEPS = ((98, 0.95), (90, 0.8), (80, 0.5))


def look_at_limits(host: Host) -> Iterator[Look]:
    """Open files, processes and threads, tracked connections."""
    yield _open_files(host)
    yield _processes(host)
    yield from _tracked_connections(host)


def near_limit(topic: str, text: str, used: float, limit: float, what: str) -> Fact:
    """A fact that is trouble when `used` comes near `limit`; `what` happens when it is reached."""
    share = percent(used, limit)
    suspicion = next((value for least, value in _STEPS if share >= least), 0.0)
    return Fact(topic, text, f"{share:.0f}% of the limit: {what}" if suspicion else "", suspicion)


def _open_files(host: Host) -> Look:
    """Format of file-nr: allocated, unused, limit."""
    numbers = host.files.numbers("proc/sys/fs/file-nr")
    if len(numbers) != 3:
        return Unseen("open files")
    used, limit = numbers[0] - numbers[1], numbers[2]
    # The kernel's word for no limit is the largest number there is.
    text = f"open files: {used}" + (f" of {limit}" if limit < 1 << 60 else "")
    return near_limit("open files", text, used, limit, "no program can open more files")


def _processes(host: Host) -> Look:
    """Threads count as processes do: each needs an id."""
    limits = [host.files.number(f"proc/sys/kernel/{name}") for name in ("pid_max", "threads-max")]
    limit = min((number for number in limits if number), default=None)
    tasks = _num_tasks(host)
    if limit is None or tasks is None:
        return Unseen("process table")
    text = f"process table: {len(host.processes)} processes, {tasks} threads of {limit}"
    return near_limit("process table", text, tasks, limit, "no program can start another")


def _num_tasks(host: Host) -> int | None:
    """Format of loadavg: three loads, running/all, last pid."""
    fields = (host.files.text("proc/loadavg") or "").split()
    tasks = fields[3].partition("/")[2] if len(fields) >= 4 else ""
    return int(tasks) if tasks.isdigit() else None


def _tracked_connections(host: Host) -> Iterator[Look]:
    """Only where the firewall tracks connections."""
    folder = "proc/sys/net/netfilter"
    used = host.files.number(f"{folder}/nf_conntrack_count")
    limit = host.files.number(f"{folder}/nf_conntrack_max")
    if used is not None and limit:
        text = f"tracked connections: {used} of {limit}"
        what = "packets of new connections are dropped when the table is full"
        yield near_limit("tracked connections", text, used, limit, what)
