"""Advice in an answer's sentences: what they tell a person to do.

A restart is the advice that is given too easily: it hides the cause and mends it for an hour. It
stands only where a runbook of the team says so. To stop a service is worse; that stands only where
the question or the facts speak of it, because a runbook may have been written into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tools.evidence import Evidence

_VERB = r"(?:re-?start|reboot|bounce|rollout restart)"
# "Restart it", "… and restart it", "try restarting it": advice. "It keeps restarting", "the restart
# count", "do not restart": none.
_RESTART = re.compile(
    r"(?:^|[.:;,*]\s+|\b(?:then|and|or|to|should|must|can|could|try|consider|recommend(?:ed)?|by"
    rf"|please|simply|just)\s+)(?:a\s+|again\s+)?{_VERB}(?:ing)?\b(?! (?:loop|count|polic|times))",
    re.IGNORECASE | re.MULTILINE,
)
# "Stop the ledger service", "then kill `batch-7`".
_STOP = re.compile(
    r"(?:^|[.:;,*]\s+|\b(?:then|and|or|to|should|must|can|please|just)\s+)"
    r"(?:stop|shut ?down|kill|terminate|disable|scale down|drain)\s+(?:the\s+)?"
    r"(?=`|[\w.-]+`? (?:service|process|pod|container|deployment|server|worker|job|unit)\b)"
    r"`?([\w./:-]*\w)",
    re.IGNORECASE | re.MULTILINE,
)
_DENIAL = re.compile(r"\b(?:not|n't|never|without|no need|instead of|avoid)\b[^.]*$", re.IGNORECASE)
# "Raise the limit and restart the pod.": the first half is advice enough.
_CLAUSE = re.compile(rf",?\s+(?:and|then|and then|or)\s+{_VERB}\b[^.,;]*", re.IGNORECASE)
# The next words, up to a mark: "restart the payments worker", `systemctl restart nginx`.
_RESTART_OF = re.compile(
    rf"\b{_VERB}(?:s|ed|ing)?\b((?:[ \t]+(?:[`'\"<{{]*[\w./:@-]*\w[`'\">}}]*)){{0,4}})",
    re.IGNORECASE,
)
_MIN_CHARS = 3
_COMMON_WORDS = """
the its this that them and then with for from after before when once again now all only each every
service services process processes pod pods container containers app apps application server servers
instance instances worker workers deployment deployments daemon unit job program node host api name
affected failing one until clear allow wait check rollout status namespace manually gracefully loop
count policy times using has into
"""
# Words around a name, and those that stand for any.
_COMMON = frozenset(_COMMON_WORDS.split())


def advises_restart(text: str) -> bool:
    """Whether `text` advises to restart something."""
    return any(not _DENIAL.search(text[: match.start() + 1]) for match in _RESTART.finditer(text))


def without_restart(sentence: str) -> str:
    """`sentence` without its advice to restart; empty when nothing else is left of it."""
    if not advises_restart(sentence):
        return sentence
    shorter = _CLAUSE.sub("", sentence)
    return "" if advises_restart(shorter) or len(shorter.split()) < 3 else shorter


def stopped_services(text: str) -> list[str]:
    """The services that `text` advises to stop, by the names that it gives them."""
    return [
        match[1] for match in _STOP.finditer(text) if not _DENIAL.search(text[: match.start() + 1])
    ]


def supports_restart(evidence: Iterable[Evidence], advice: str = "") -> bool:
    """Whether a runbook among `evidence` has a restart in it: of what `advice` names, if it does.

    What a log, a capture or a service says is no reason: it may have been written to be obeyed. A
    runbook that restarts one thing by its name is none to restart another.
    """
    runbooks = [item.finding.text for item in evidence if item.finding.kind == "runbook"]
    restarted = [names for text in runbooks for names in _restarted(text)]
    wanted = _restarted(advice) or [frozenset[str]()]
    return bool(restarted) and all(_fits(names, restarted) for names in wanted)


def _fits(names: frozenset[str], restarted: Sequence[frozenset[str]]) -> bool:
    return not names or any(not known or names & known for known in restarted)


def _restarted(text: str) -> list[frozenset[str]]:
    """What each restart in `text` is of, in words; of "restart it" no word."""
    return [_names(match[1]) for match in _RESTART_OF.finditer(text)]


def _names(words: str) -> frozenset[str]:
    parts = re.findall(r"[a-z0-9]+", words.lower())
    return frozenset(part for part in parts if part not in _COMMON and len(part) >= _MIN_CHARS)
