"""Facts: what one look at the machine found, in one stable line each.

A look yields a `Fact` for each figure and an `Unseen` for what it could not read; which of them are
shown is the survey's business. The units in which all looks write are here as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.evidence import Finding

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of figures about `topic`; trouble when it has a suspicion, and then `note` says why.

    Ordinary, without trouble, it serves the summary only.
    """

    topic: str
    text: str
    note: str = ""
    suspicion: float = 0.0

    @property
    def is_trouble(self) -> bool:
        """Whether the figure is wrong or near its limit."""
        return self.suspicion > 0

    def finding(self) -> Finding:
        """The fact as evidence."""
        source = f"host: {self.topic}"
        return Finding("capture", source, self.text, None, self.note, self.suspicion)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that this machine does not show, or not to this user."""

    what: str


Look = Fact | Unseen


def size(num_bytes: float) -> str:
    """`15.2 GiB`, `0.5 GiB`, `300.0 MiB`, `12.0 KiB`."""
    for unit, name in ((TIB, "TiB"), (GIB / 2, "GiB"), (MIB, "MiB")):
        if num_bytes >= unit:
            return f"{num_bytes / (GIB if name == 'GiB' else unit):.1f} {name}"
    return f"{num_bytes / KIB:.1f} KiB"


def used_of(used_bytes: float, total_bytes: float) -> str:
    """`15.2 of 16.0 GiB`; both units where they differ."""
    used, total = size(used_bytes), size(total_bytes)
    number, unit = used.split()
    return f"{number if unit == total.split()[1] else used} of {total}"


def percent(part: float, whole: float) -> float:
    """`part` of `whole` in percent; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def age(seconds: float) -> str:
    """`45 s`, `12 min`, `5 h`, `3 days`: how long something has lasted."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def names(items: list[str], most: int) -> str:
    """The first `most` of `items`, and how many more there are."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")
