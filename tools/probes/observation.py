"""`Observation`: what a probe saw, in one line, and what code makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.evidence import Finding

# Waiting longer than this for a connection or a first byte is slow, or very slow.
SLOW_S = 1.0
VERY_SLOW_S = 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One line of what was observed; with a suspicion when it is trouble, and `note` says why."""

    text: str
    note: str = ""
    suspicion: float = 0.0

    def finding(self, source: str) -> Finding:
        """The observation as evidence from `source`."""
        return Finding("capture", source, self.text, None, self.note, self.suspicion)


def slowness(seconds: float, what: str) -> tuple[str, float]:
    """The note and suspicion that the time for `what` deserves; nothing for a usual one."""
    if seconds < SLOW_S:
        return "", 0.0
    return f"{what} took {seconds:.1f} s", 0.55 if seconds >= VERY_SLOW_S else 0.4


def seconds(value: float) -> str:
    """`0.012 s`, `1.20 s`: a time as it stands in an observation."""
    return f"{value:.3f} s" if value < 0.1 else f"{value:.2f} s"
