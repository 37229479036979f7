"""Questions of when it began: answered by the earliest finding that belongs to the trouble."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from tools.evidence import Evidence
from tools.logs.report import format_time

_WHEN = re.compile(
    r"\bwhen (?:did|has|had) (?:it|this|that|these|they|the \w+(?: \w+)?|everything) (?:all )?"
    r"(?:begin|began|begun|start|started|first|happen|happened|go wrong|break)\b"
    r"|\bsince when\b|\bhow long (?:has|have) (?:it|this|that|they)\b"
    r"|\bwhat (?:failed|broke) first\b",
    re.IGNORECASE,
)
_SUSPICIOUS = 0.3
_WORTH_SHARE = 0.6
_NEAR = timedelta(seconds=2)
_MAX_SHOWN = 3


def asks_when(text: str) -> bool:
    """Whether `text` asks when the trouble began."""
    return _WHEN.search(text) is not None


def onset_of(facts: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The facts with which the trouble began, earliest first; none when no fact says when.

    Only facts nearly as suspicious as the strongest count: background noise began long ago.
    """
    strongest = max((item.finding.suspicion for item in facts), default=0.0)
    floor = max(_SUSPICIOUS, _WORTH_SHARE * strongest)
    timed = [item for item in facts if item.finding.at and item.finding.suspicion >= floor]
    timed.sort(key=_began)
    return tuple(timed[:_MAX_SHOWN])


def onset_text(facts: Sequence[Evidence]) -> str:
    """When it began in words, with what came next."""
    first, *later = facts
    text = (
        f"**Answer** [{first.id}]: it began at **{format_time(first.finding.at)}**, with this in "
        f"`{first.finding.source}`"
    )
    following = [item for item in later if _began(item) - _began(first) > _NEAR]
    if not following:
        return f"{text}."
    told = ", ".join(
        f"`{later.finding.source}` at {format_time(later.finding.at)} [{later.id}]"
        for later in following
    )
    return f"{text}; then came {told}."


def _began(item: Evidence) -> datetime:
    assert item.finding.at is not None
    return item.finding.at
