"""Advice in an answer's sentences: what they tell a person to do.

A restart is the advice that is given too easily: it hides the cause and mends it for an hour. It
stands only where a runbook of the team says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.evidence import Evidence

_VERB = r"(?:re-?start|reboot|bounce|rollout restart)"
# "Restart it", "… and restart it", "try restarting it": advice. "It keeps restarting", "the restart
# count", "do not restart": none.
_RESTART = re.compile(
    r"(?:^|[.:;,*]\s+|\b(?:then|and|or|to|should|must|can|could|try|consider|recommend(?:ed)?|by"
    rf"|please|simply|just)\s+)(?:a\s+|again\s+)?{_VERB}(?:ing)?\b(?! (?:loop|count|polic|times))",
    re.IGNORECASE | re.MULTILINE,
)
_DENIAL = re.compile(r"\b(?:not|n't|never|without|no need|instead of|avoid)\b[^.]*$", re.IGNORECASE)
# "Raise the limit and restart the pod.": the first half is advice enough.
_CLAUSE = re.compile(rf",?\s+(?:and|then|and then|or)\s+{_VERB}\b[^.,;]*", re.IGNORECASE)
_RESTART_WORD = re.compile(rf"\b{_VERB}", re.IGNORECASE)


def advises_restart(text: str) -> bool:
    """Whether `text` advises to restart something."""
    return any(not _DENIAL.search(text[: match.start() + 1]) for match in _RESTART.finditer(text))


def without_restart(sentence: str) -> str:
    """`sentence` without its advice to restart; empty when nothing else is left of it."""
    if not advises_restart(sentence):
        return sentence
    shorter = _CLAUSE.sub("", sentence)
    return "" if advises_restart(shorter) or len(shorter.split()) < 3 else shorter


def supports_restart(evidence: Iterable[Evidence]) -> bool:
    """Whether a runbook among `evidence` has a restart in it.

    What a log, a capture or a service says is no reason: it may have been written to be obeyed.
    """
    runbooks = (item.finding for item in evidence if item.finding.kind == "runbook")
    return any(_RESTART_WORD.search(runbook.text) for runbook in runbooks)
