"""Load against processors, what waits for a processor, and how long the machine has been up."""

from __future__ import annotations

from collections.abc import Iterator

from tools.host.facts import Fact, Look, Unseen, age
from tools.host.host import Host
from tools.host.pressure import look_at_pressure

_HIGH_PER_PROCESSOR = 2.0
_EXTREME_PER_PROCESSOR = 5.0
_JUST_STARTED_S = 15 * 60
_RECENTLY_STARTED_S = 2 * 3600


def look_at_load(host: Host) -> Iterator[Look]:
    """Load, processor pressure, uptime."""
    yield _load(host)
    yield from look_at_pressure(host, "cpu")
    yield _uptime(host.system.uptime_s())


def _load(host: Host) -> Look:
    load = host.system.load()
    if load is None:
        return Unseen("load")
    processors = host.system.num_processors()
    text = f"load: {load[0]:.1f}, {load[1]:.1f}, {load[2]:.1f} (1, 5, 15 min) on {processors} CPUs"
    per_processor = load[0] / processors
    if per_processor < _HIGH_PER_PROCESSOR:
        return Fact("load", text)
    trend = "rising" if load[0] > load[2] else "falling"
    note = f"{per_processor:.1f} processes per CPU want to run, {trend}{_busiest(host)}"
    return Fact("load", text, note, 0.7 if per_processor >= _EXTREME_PER_PROCESSOR else 0.5)


def _busiest(host: Host) -> str:
    busiest = max(host.processes, key=host.cpu_percent, default=None)
    if busiest is None or host.cpu_percent(busiest) < 1:
        return ""
    return f"; busiest: {busiest.name} (pid {busiest.pid}), {host.cpu_percent(busiest):.0f}% of one"


def _uptime(seconds: float) -> Fact:
    text = f"uptime: {age(seconds)}"
    if seconds >= _RECENTLY_STARTED_S:
        return Fact("uptime", text)
    suspicion = 0.5 if seconds < _JUST_STARTED_S else 0.35
    return Fact("uptime", text, "the machine was started a short time ago", suspicion)
