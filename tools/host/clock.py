"""Whether the clock is kept right."""

from __future__ import annotations

from collections.abc import Iterator

from tools.host.facts import Fact, Look, Unseen
from tools.host.host import Host

_DAEMONS = frozenset(
    ("chronyd", "ntpd", "systemd-timesyn", "systemd-timesyncd", "openntpd", "ptp4l", "phc2sys",
     "ntpd-rs", "ntp-daemon")
)  # fmt: skip
# Background: a guest whose hypervisor keeps its clock looks the same.
_SUSPICION = 0.25


def look_at_clock(host: Host) -> Iterator[Look]:
    """Whether the kernel holds its clock to be synchronised, and within which error."""
    clock = host.system.clock()
    if clock is None:
        yield Unseen("clock synchronisation")
        return
    if clock.is_synchronised:
        yield Fact("clock", f"clock: synchronised, error at most {clock.max_error_s:.3f} s")
        return
    daemons = sorted({process.name for process in host.processes} & _DAEMONS)
    by_whom = f"{', '.join(daemons)} runs but has not set it" if daemons else "no time daemon runs"
    yield Fact("clock", "clock: not synchronised", by_whom, _SUSPICION)
