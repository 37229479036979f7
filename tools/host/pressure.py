"""Pressure stall information: how much time work lost waiting for a resource.

Format and meaning: the kernel's documentation of PSI. `some` counts time in which at least one task
waited, `full` time in which none could go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from tools.host.facts import Fact, Look, Unseen
from tools.host.host import Host

Resource = Literal["cpu", "memory", "io"]

_LINE = re.compile(r"(some|full) avg10=([\d.]+) avg60=([\d.]+)")

# Percent of the last 10 s from which on it is trouble, and how suspicious that is. Programs wait
# for processors and disks in ordinary work; that all of them wait for memory is never ordinary.
_TROUBLE: Mapping[Resource, tuple[tuple[str, float, float], ...]] = {
    "cpu": (("some", 80, 0.5), ("some", 50, 0.35)),
    "memory": (("full", 10, 0.85), ("full", 2, 0.7), ("some", 10, 0.5)),
    "io": (("full", 40, 0.65), ("full", 15, 0.45)),
}
_WORDS = {"some": "something waited", "full": "nothing could go on"}


def look_at_pressure(host: Host, resource: Resource) -> Iterator[Look]:
    """The pressure on `resource` over the last 10 and 60 seconds."""
    text = host.files.text(f"proc/pressure/{resource}")
    averages = {kind: (float(a), float(b)) for kind, a, b in _LINE.findall(text or "")}
    if not averages:
        yield Unseen(f"{resource} pressure")
        return
    shown = ", ".join(f"{kind} {a:.1f}% / {b:.1f}%" for kind, (a, b) in averages.items())
    line = f"{resource} pressure: {shown} (10 s / 60 s)"
    for kind, least, suspicion in _TROUBLE[resource]:
        share = averages.get(kind, (0.0, 0.0))[0]
        if share >= least:
            note = f"{_WORDS[kind]} for want of {resource} in {share:.0f}% of the last 10 s"
            yield Fact("pressure", line, note, suspicion)
            return
    yield Fact("pressure", line)
