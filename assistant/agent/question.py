"""What a question asks for, read by code before any model sees it.

Only what can be read with certainty is taken: a time range, quoted words to look for, a number of
lines, and whether the person wants to see lines or to know what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from assistant.agent.comparing import Comparing, read_comparison
from assistant.agent.inquiry import follow_up, read_inquiry
from assistant.agent.times import read_window, without_times
from tools.logs.lookup.query import LogQuery
from tools.window import EVERYTHING, Window

Intent = Literal["diagnose", "show", "find"]

_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
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
    r"\b(find|grep|list|any(?! ?more)|was there|is there|were there|are there|how many|which|did"
    r"|search)\b|\berrors?\b.*\blogs?\b",
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


# Parts of a log's name that say nothing, and names that are words of other meaning, too.
_ENDINGS = frozenset(("", "log", "jsonl", "txt", "out", "gz", "zst"))
_COMMON_NAMES = frozenset(
    ("error", "errors", "access", "messages", "system", "kernel", "app", "main", "server", "debug")
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as code understands it.

    `terms` are literal words to look for in the logs; `window` is the time that it is about and
    `since` how far back that begins (`24h`), empty when the person named no beginning; `earlier`
    are the session's questions before it, `inquiry` is what it wants counted or looked up.
    """

    text: str
    intent: Intent
    since: str = ""
    terms: tuple[str, ...] = ()
    line_count: int | None = None
    earlier: tuple[str, ...] = ()
    inquiry: LogQuery | None = None
    window: Window = EVERYTHING
    comparing: Comparing | None = None
    """What is to be compared, before and after."""
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
    window = read_window(text, now)
    # What is quoted are a log's words, not its name.
    unquoted = _QUOTED.sub(" ", text)
    named = {name: words for name in logs if (words := _naming(name, unquoted))}
    asked = without_times(follow_up(text, earlier))
    name_words = [word for words in named.values() for word in words]
    return Question(
        text=text,
        intent=intent,
        since=_since(window, now),
        window=window,
        comparing=read_comparison(text, now),
        terms=_terms(text),
        line_count=int(count.group(1)) if count else None,
        earlier=tuple(earlier),
        inquiry=None if intent == "show" else read_inquiry(asked, name_words),
        log_names=tuple(named),
    )


def _naming(name: str, text: str) -> list[str]:
    """The words of `text` that name the log `name`; none when it is not named.

    `nginx-access.log` is named by itself and by "nginx's access log"; a word that many logs are
    called after (`error`) names one only before the word "log".
    """
    parts = [part for part in re.split(r"[-_.:/\s]+", name.lower()) if part not in _ENDINGS]
    said = {word.lower(): word for word in re.findall(r"[\w.:/-]*\w", text)}
    if name.lower() in said:
        return [said[name.lower()]]
    # A deployment's name, of which the pod's is made.
    of_pod = [
        word for low, word in said.items() if "-" in low and name.lower().startswith(f"{low}-")
    ]
    if of_pod:
        return of_pod
    words = {re.sub(r"'s$", "", word).lower() for word in re.findall(r"\w+(?:'s)?", text)}
    if not parts or not set(parts) <= words:
        return []
    if _COMMON_NAMES.issuperset(parts):
        named = re.search(rf"\b{re.escape(parts[-1])}(?:'s)?[ -]log", text, re.IGNORECASE)
        return parts if named else []
    return parts


def _intent(text: str) -> Intent:
    prose = _QUOTED.sub("", _JSON_TEXT.sub("", text))
    if _SHOW.search(prose) and not _asks_for_cause(prose):
        return "find" if _PROBLEM_WORDS.search(prose) else "show"
    if _asks_for_cause(prose):
        return "diagnose"
    return "find" if _FIND.search(prose) else "diagnose"


def _asks_for_cause(prose: str) -> bool:
    without_find = re.sub(
        r"\b(find|any(?! ?more| idea| clue| reason)|was there)\b.*", "", prose, flags=re.I | re.S
    )
    return bool(_WRONG.search(without_find))


_HEALTH = re.compile(
    r"\b(?:is|are|was|were) (?:there )?(?:anything|something|everything|all)\b"
    r".*\b(?:wrong|unusual|odd|strange|broken|off|ok|okay|fine|good|well|healthy|normal|up)\b"
    r"|\b(?:is|are) (?:the |our |my )?[\w.-]+(?: \w+)? (?:healthy|ok|okay|fine|all right|up)\b"
    r"|\b(?:any|are there) (?:problems?|issues?|trouble|anomalies)\b"
    r"|\beverything (?:ok|fine|good)\b",
    re.IGNORECASE | re.DOTALL,
)


def asks_health(text: str) -> bool:
    """Whether `text` asks if anything is wrong at all, so that "no" may be the answer."""
    return _HEALTH.search(text) is not None


def _since(window: Window, now: datetime) -> str:
    """How far back the window begins, as the tools take it: `30m`; empty when it is open."""
    if window.start is None:
        return ""
    seconds = (now - window.start).total_seconds()
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds) + 1}s"


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
