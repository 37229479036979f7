"""What a question asks for, read by code before any model sees it.

Only what can be read with certainty is taken: a time range, quoted words to look for, a number of
lines, and whether the person wants to see lines or to know what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from assistant.agent.inquiry import follow_up, read_inquiry
from tools.logs.lookup.query import LogQuery

Intent = Literal["diagnose", "show", "find"]

_NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_PERIOD = re.compile(
    rf"\b(?:last|past|previous|since)\s+(?:(\d+|{'|'.join(_NUMBER_WORDS)}|half(?:\s+an?)?)\s*)?"
    r"(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|[smhdw])\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(?:since|after|from)\s+([01]?\d|2[0-3])[:.h]([0-5]\d)\b", re.IGNORECASE)
_DAY = re.compile(r"\b(today|yesterday)\b", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LINE_COUNT = re.compile(
    r"\b(?:last|first|latest|newest)\s+(\d+)\s+(?:log|line|entr|error|message)", re.I
)
_QUOTED = re.compile(r"[\"“]([^\"”\n]{2,80})[\"”]|(?<!\w)'([^'\n]{2,80})'(?!\w)|`([^`\n]{2,80})`")
# `pod "x"` names the pod; it is not a word to look for in its log.
_NAMING = re.compile(
    r"\b(?:pod|container|namespace|service|host|node|job|deployment|app)\s+$", re.I
)
_SOUGHT = re.compile(r"\b(?:grep|search|look)\b[^.?!\n]*?\bfor\s+([\w.:/-]{3,60})", re.IGNORECASE)
_JSON_TEXT = re.compile(r"\{.*?\}", re.DOTALL)
_WRONG = re.compile(
    r"\b(wrong|why|cause|reason|issue|problem|broken|fail(?:s|ed|ing)?|down|slow|troubleshoot|"
    r"investigate|debug|diagnose|explain|what happened|fix)\b",
    re.IGNORECASE,
)
_SHOW = re.compile(
    r"\b(show|post|fetch|print|display|get|retrieve|give|tail|let me see|can i see)\b"
    r".*\b(logs?|lines?|entries|messages)\b",
    re.IGNORECASE | re.DOTALL,
)
# "Show me the errors in the logs" wants the errors, not the lines.
_PROBLEM_WORDS = re.compile(r"\b(errors?|warnings?|exceptions?|failures?|problems?)\b", re.I)
_FIND = re.compile(
    r"\b(find|grep|list|any|was there|is there|were there|are there|how many|which|did|search)\b|"
    r"\berrors?\b.*\blogs?\b",
    re.IGNORECASE | re.DOTALL,
)


# Words by which a question leans on what was said before it.
_LEANS = re.compile(
    r"^\W*(?:and|but|or|so)\b|"
    r"\b(?:it|its|that|this|these|those|they|them|their|ones?|there|same|other|another|else|instead|"
    r"first|next|now)\b",
    re.IGNORECASE,
)
_MAX_LEANING_WORDS = 2
_MAX_EARLIER = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A question as code understands it.

    `terms` are literal words to look for in the logs; `since` is how far back to look (`24h`),
    empty when the person named no time; `earlier` are the session's questions before it, `inquiry`
    is what it wants counted or looked up.
    """

    text: str
    intent: Intent
    since: str = ""
    terms: tuple[str, ...] = ()
    line_count: int | None = None
    earlier: tuple[str, ...] = ()
    inquiry: LogQuery | None = None
    log_names: tuple[str, ...] = ()
    """The logs that it names; empty for all."""

    @property
    def readings(self) -> tuple[str, ...]:
        """What to search for: its own words, then with more and more of the earlier questions'.

        A question that stands alone has one reading. Its own words come first in each, because an
        embedding model may not read to the end.
        """
        is_short = len(self.text.split()) <= _MAX_LEANING_WORDS
        leans = is_short or _LEANS.search(self.text) is not None
        last_first = self.earlier[-_MAX_EARLIER:][::-1] if leans else ()
        return tuple(" ".join([self.text, *last_first[:n]]) for n in range(len(last_first) + 1))


def understand(
    text: str, now: datetime, earlier: Sequence[str] = (), logs: Collection[str] = ()
) -> Question:
    """Read `text`, asked at `now`: times of the clock count back from there, in UTC.

    `earlier` are the session's questions before it, `logs` the names of the logs in scope.
    """
    count = _LINE_COUNT.search(text)
    intent = _intent(text)
    named = {name: words for name in logs if (words := _naming(name, text))}
    asked = _without_time(follow_up(text, earlier))
    name_words = [word for words in named.values() for word in words]
    return Question(
        text=text,
        intent=intent,
        since=_since(text, now),
        terms=_terms(text),
        line_count=int(count.group(1)) if count else None,
        earlier=tuple(earlier),
        inquiry=None if intent == "show" else read_inquiry(asked, name_words),
        log_names=tuple(named),
    )


def _naming(name: str, text: str) -> list[str]:
    """The words of `text` that name the log `name`: itself, with or without an ending."""
    stem = re.split(r"\.(?:log|jsonl|txt|out)\b", name)[0]
    known = {name.lower(), stem.lower()}
    return [word for word in re.findall(r"[\w.:/-]*\w", text) if word.lower() in known]


def _without_time(text: str) -> str:
    return _CLOCK.sub(" ", _PERIOD.sub(" ", text))


def _intent(text: str) -> Intent:
    prose = _QUOTED.sub("", _JSON_TEXT.sub("", text))
    if _SHOW.search(prose) and not _asks_for_cause(prose):
        return "find" if _PROBLEM_WORDS.search(prose) else "show"
    if _asks_for_cause(prose):
        return "diagnose"
    return "find" if _FIND.search(prose) else "diagnose"


def _asks_for_cause(prose: str) -> bool:
    without_find = re.sub(
        r"\b(find|any(?! idea| clue| reason)|was there)\b.*", "", prose, flags=re.I | re.S
    )
    return bool(_WRONG.search(without_find))


def _since(text: str, now: datetime) -> str:
    if period := _PERIOD.search(text):
        amount, unit = (period.group(1) or "1").lower(), period.group(2)[0].lower()
        if amount.startswith("half"):
            return f"{_SECONDS[unit] // 2}s"
        return f"{_NUMBER_WORDS.get(amount, amount)}{unit}"
    if start := _start(text, now):
        return f"{int((now - start).total_seconds()) + 1}s"
    return ""


def _start(text: str, now: datetime) -> datetime | None:
    """The moment that a time of the clock or a day in `text` names."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = _DAY.search(text)
    if day and day.group(1).lower() == "yesterday":
        midnight -= timedelta(days=1)
    if clock := _CLOCK.search(text):
        start = midnight + timedelta(hours=int(clock.group(1)), minutes=int(clock.group(2)))
        return start if start <= now else start - timedelta(days=1)
    return midnight if day else None


def _terms(text: str) -> tuple[str, ...]:
    """Words to look for: quoted ones that name nothing, and what the person says to search for."""
    prose = _JSON_TEXT.sub("", text)
    terms = [
        next(filter(None, match.groups()))
        for match in _QUOTED.finditer(prose)
        if not _NAMING.search(prose[: match.start()])
    ]
    if not terms:
        terms = _SOUGHT.findall(prose)
    return tuple(dict.fromkeys(terms))
