"""What a question asks for, read by code before any model sees it.

Only what can be read with certainty is taken: a time range, quoted words to look for, a number of
lines, and whether the person wants to see lines or to know what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Intent = Literal["diagnose", "show", "find"]

_PERIOD = re.compile(
    r"\b(?:last|past|previous|since)\s+(?:(\d+)\s*)?"
    r"(seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|[smhdw])\b",
    re.IGNORECASE,
)
_LINE_COUNT = re.compile(
    r"\b(?:last|first|latest|newest)\s+(\d+)\s+(?:log|line|entr|error|message)", re.I
)
_QUOTED = re.compile(r"[\"“]([^\"”\n]{2,80})[\"”]|(?<!\w)'([^'\n]{2,80})'(?!\w)|`([^`\n]{2,80})`")
_JSON_TEXT = re.compile(r"\{.*?\}", re.DOTALL)
_WRONG = re.compile(
    r"\b(wrong|why|cause|reason|issue|problem|broken|fail(?:s|ed|ing)?|down|slow|troubleshoot|"
    r"investigate|debug|diagnose|explain|what happened|fix)\b",
    re.IGNORECASE,
)
_SHOW = re.compile(
    r"\b(show|post|fetch|print|display|get|retrieve|give|tail|see)\b.*\blogs?\b",
    re.IGNORECASE | re.DOTALL,
)
# "Show me the errors in the logs" wants the errors, not the lines.
_PROBLEM_WORDS = re.compile(r"\b(errors?|warnings?|exceptions?|failures?|problems?)\b", re.I)
_FIND = re.compile(
    r"\b(find|list|any|was there|is there|were there|are there|how many|which|did|search)\b|"
    r"\berrors?\b.*\blogs?\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as code understands it.

    `terms` are literal words to look for in the logs; `since` is how far back to look (`24h`),
    empty when the person named no time.
    """

    text: str
    intent: Intent
    since: str = ""
    terms: tuple[str, ...] = ()
    line_count: int | None = None


def understand(text: str) -> Question:
    """Read `text`."""
    count = _LINE_COUNT.search(text)
    return Question(
        text=text,
        intent=_intent(text),
        since=_since(text),
        terms=_terms(text),
        line_count=int(count.group(1)) if count else None,
    )


def _intent(text: str) -> Intent:
    prose = _QUOTED.sub("", _JSON_TEXT.sub("", text))
    if _SHOW.search(prose) and not _asks_for_cause(prose):
        return "find" if _PROBLEM_WORDS.search(prose) else "show"
    if _asks_for_cause(prose):
        return "diagnose"
    return "find" if _FIND.search(prose) else "diagnose"


def _asks_for_cause(prose: str) -> bool:
    without_find = re.sub(r"\b(find|any|was there)\b.*", "", prose, flags=re.I | re.S)
    return bool(_WRONG.search(without_find))


def _since(text: str) -> str:
    match = _PERIOD.search(text)
    if match is None:
        return ""
    number = int(match.group(1) or 1)
    return f"{number}{match.group(2)[0].lower()}"


def _terms(text: str) -> tuple[str, ...]:
    """Quoted words, but not those of a JSON object in the question."""
    found = _QUOTED.findall(_JSON_TEXT.sub("", text))
    terms = [next(filter(None, groups)) for groups in found]
    return tuple(dict.fromkeys(terms))
