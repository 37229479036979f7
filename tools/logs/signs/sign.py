"""`Sign`: what in the course of a source deserves attention, and the record that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignKind = Literal[
    "template", "number", "silence", "burst", "restart", "change", "difference", "flapping"
]
"""What a finding is about: a template as such, a number in it, or one of the signs over time."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What was seen of the group `group` of a source.

    `position` is the record whose line is the evidence, `onset` and `end` are in microseconds since
    1970. `suspicion` is what the sign is worth on its own, before other sources are looked at.
    """

    kind: SignKind
    group: int
    position: int
    onset: int
    end: int
    count: int
    note: str
    suspicion: float
