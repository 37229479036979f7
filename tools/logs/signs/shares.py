"""Shares: how much of what a source says are problems, before the trouble and since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tools.logs.moments import clock
from tools.logs.signs.incident import STRONG, Incident
from tools.logs.signs.suspects import Suspect
from tools.logs.table import NO_TIME

_MIN_RECORDS = 20  # on each side
_MIN_SHARE = 0.05
_MIN_JUMP = 5.0


def with_shares(suspects: Sequence[Suspect], incident: Incident) -> list[Suspect]:
    """The suspects, the strongest problem of each source with how its share of problems jumped."""
    strongest: dict[int, Suspect] = {}
    for suspect in suspects:
        if suspect.is_problem and suspect.kind == "template" and suspect.suspicion >= STRONG:
            known = strongest.setdefault(id(suspect.source), suspect)
            if suspect.suspicion > known.suspicion:
                strongest[id(suspect.source)] = suspect
    chosen = {id(suspect) for suspect in strongest.values()}
    return [_with_share(s, incident) if id(s) in chosen else s for s in suspects]


def _with_share(suspect: Suspect, incident: Incident) -> Suspect:
    began = max(incident.began, suspect.onset or 0)
    shares = _shares(suspect, began)
    if shares is None:
        return suspect
    before, after = shares
    if after < max(_MIN_SHARE, _MIN_JUMP * before):
        return suspect
    since = clock(began, incident.span[1])
    note = f"of this source's lines {after:.0%} are problems since {since}, {before:.1%} before"
    return replace(suspect, notes=(*suspect.notes, note))


def _shares(suspect: Suspect, began: int) -> tuple[float, float] | None:
    """The share of problems before and since; None where either side has only a few records."""
    history = suspect.source.history
    times = history.table.times
    is_before = (times != NO_TIME) & (times < began)
    is_after = times >= began
    if min(np.count_nonzero(is_before), np.count_nonzero(is_after)) < _MIN_RECORDS:
        return None
    return (
        float(history.is_problem[is_before].mean()),
        float(history.is_problem[is_after].mean()),
    )
