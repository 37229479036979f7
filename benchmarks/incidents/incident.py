"""`Incident`: what happens, what is asked about it, and what a right answer says.

How a bundle comes from it is in `recording.py`; the incidents themselves are in `families`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.incidents.scene import Scene

Kind = Literal[
    "diagnosis", "health", "lookup", "runbook", "comparison", "unanswerable", "follow-up"
]
Restart = Literal["yes", "no", "temporary"]


NOTHING_WRONG = (
    r"^\W*no\b|nothing (?:is |was )?(?:wrong|found|unusual|suspicious)|\bhealthy"
    r"|no (?:problem|sign|issue|error|evidence|fault)|looks (?:fine|normal|healthy)"
)
"""What an answer says that finds a system in order."""
CANNOT_TELL = (
    r"cannot (?:tell|say|be (?:told|answered|determined))|can't (?:tell|say)|unknown|would need"
    r"|no (?:evidence|information|data|logs?|metrics?|finding)|nothing (?:about|on|from|mentions)"
    r"|does not (?:contain|include|mention|say|cover|tell)"
    r"|not (?:mentioned|available|present|found)"
    r"|not (?:in|part of|covered by) the (?:evidence|bundle|logs)"
)
"""What an answer says that admits a gap in the evidence."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line that shows the cause: `regex` matches it in the bundle's file `source`."""

    source: str
    regex: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One case of the suite.

    `play` runs on a machine of its own (`Scene`); without it nothing is recorded. `<key>` in the
    question and the expectations stands for what only the recording knows: `scene.facts[key]`.
    """

    name: str
    kind: Kind
    question: str
    how: str
    expected: tuple[str, ...]
    patterns: tuple[str, ...]
    restart: Restart
    evidence: tuple[Evidence, ...]
    play: Callable[[Scene], None] | None
    host: str = "shop-1"
    forbidden: tuple[str, ...] = ()
    # Questions asked before this one, in the same session.
    before: tuple[str, ...] = ()


def describe(incident: Incident, facts: Mapping[str, str], recorded_at: str) -> dict[str, Any]:
    """What `expected.yaml` says about `incident`, with `facts` filled in."""
    described: dict[str, Any] = {
        "id": incident.name,
        "kind": incident.kind,
        "expected": [fill(text, facts) for text in incident.expected],
        "quick_regex": [fill(text, facts) for text in incident.patterns],
        "restart_would_fix": incident.restart,
        "cause_evidence": [
            {"source": evidence.source, "regex": fill(evidence.regex, facts)}
            for evidence in incident.evidence
        ],
        "recorded": f"{recorded_at}: {incident.how}",
    }
    if incident.forbidden:
        described["forbidden_regex"] = [fill(text, facts) for text in incident.forbidden]
    if incident.before:
        described["before"] = [fill(text, facts) for text in incident.before]
    if facts:
        described["facts"] = dict(facts)
    return described


def fill(text: str, facts: Mapping[str, str]) -> str:
    """`text` with each `<key>` replaced by its fact."""
    for key, value in facts.items():
        text = text.replace(f"<{key}>", value)
    return text
