"""Findings and the ledger: what a tool found, under an id that an answer can cite.

A `Finding` is verbatim text with its source; the `Ledger` gives each one an id (`L1` for a log
line, `R2` for a runbook passage, …) that stays the same for the whole session. Nothing here judges
or renders: ranking is the tools' work, wording the agent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Kind = Literal["log", "runbook", "metric", "service", "capture", "incident"]

_PREFIX: dict[str, str] = {
    "log": "L",
    "runbook": "R",
    "metric": "M",
    "service": "S",
    "capture": "C",
    "incident": "I",
}
assert set(_PREFIX) == set(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence: `text` stands verbatim in `source` (a file, a service, a runbook).

    `line` is 1-based and None where the source has no lines. `note` is what code worked out about
    the text (counts, first and last time, comparison with a baseline), never a quotation.
    `suspicion` orders findings: 0.0 is background, 1.0 is the strongest lead. `at` is when what it
    shows began (UTC), where that is known.
    """

    kind: Kind
    source: str
    text: str
    line: int | None = None
    note: str = ""
    suspicion: float = 0.0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding that has been entered in a ledger under `id`."""

    id: str
    finding: Finding

    @property
    def is_fact(self) -> bool:
        """Whether it shows what happened: no runbook does, and no incident of the past."""
        return self.finding.kind not in ("runbook", "incident")


def distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each entry once, in the order of its first place."""
    return tuple({item.id: item for item in evidence}.values())


@dataclass(slots=True)
class Ledger:
    """The evidence of one session, in the order it was entered; ids are never reused.

    The same text from the same place keeps its first id, so that a second look at a source does
    not make old evidence look new.
    """

    _by_id: dict[str, Evidence] = field(default_factory=dict)
    _by_place: dict[tuple[str, str, int | None, str], str] = field(default_factory=dict)

    @classmethod
    def restore(cls, entries: Iterable[Evidence]) -> Ledger:
        """A ledger with `entries` under the ids that they already have (a continued session)."""
        ledger = cls()
        for evidence in entries:
            ledger._keep(evidence)
        return ledger

    def add(self, finding: Finding) -> Evidence:
        """Enter `finding` and return it with its id; the known entry when it is already there."""
        known = self._by_place.get(_place(finding))
        if known is not None:
            return self._by_id[known]
        prefix = _PREFIX[finding.kind]
        number = 1 + sum(1 for evidence_id in self._by_id if evidence_id[0] == prefix)
        evidence = Evidence(f"{prefix}{number}", finding)
        self._keep(evidence)
        return evidence

    def get(self, evidence_id: str) -> Evidence | None:
        """The entry under `evidence_id`, or None."""
        return self._by_id.get(evidence_id)

    def __iter__(self) -> Iterator[Evidence]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def _keep(self, evidence: Evidence) -> None:
        self._by_id[evidence.id] = evidence
        self._by_place[_place(evidence.finding)] = evidence.id


def _place(finding: Finding) -> tuple[str, str, int | None, str]:
    return (finding.kind, finding.source, finding.line, finding.text)
