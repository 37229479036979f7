"""Levels: the severity that a record declares, in the words and numbers that logs have for it.

What a message's words say about trouble, whatever level it claims, is `tools.logs.severity`'s
business.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum


class Level(IntEnum):
    """Severity of a record, comparable."""

    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_IN_TEXT = {
    **dict.fromkeys(("trace", "debug", "debg", "dbg", "verbose", "fine"), Level.DEBUG),
    **dict.fromkeys(
        ("info", "information", "informational", "notice", "log", "normal"), Level.INFO
    ),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARN),
    **dict.fromkeys(("error", "err", "severe", "eror", "erro"), Level.ERROR),
    **dict.fromkeys(
        ("fatal", "critical", "crit", "alert", "emerg", "emergency", "panic"), Level.FATAL
    ),
}
# Only where a format says that this is the level: in a text they are words like any other.
_IN_HEADERS = {
    **dict.fromkeys(
        ("trac", "blat", "trc", "trce", "dbug", "finer", "finest", "config"), Level.DEBUG
    ),
    **dict.fromkeys(("inf", "note", "system", "success", "audit"), Level.INFO),
    "fail": Level.ERROR,
    **dict.fromkeys(("ftl", "dpanic"), Level.FATAL),
}
_IN_FIELDS = {
    **_IN_TEXT,
    **_IN_HEADERS,
    **dict.fromkeys(("d", "t", "v", "7", "d1", "d2", "d3", "d4", "d5"), Level.DEBUG),
    **dict.fromkeys(("i", "n", "6", "5"), Level.INFO),
    **dict.fromkeys(("w", "4"), Level.WARN),
    **dict.fromkeys(("e", "3"), Level.ERROR),
    **dict.fromkeys(("f", "c", "a", "2", "1", "0"), Level.FATAL),
}
_AS_WRITTEN = {**_IN_FIELDS, **{word.upper(): level for word, level in _IN_FIELDS.items()}}
_PINO = {
    10: Level.DEBUG,
    20: Level.DEBUG,
    30: Level.INFO,
    40: Level.WARN,
    50: Level.ERROR,
    60: Level.FATAL,
}
_SEARCH_CHARS = 120


def _longest_first(words: dict[str, Level]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


# Alternatives of a regular expression, all in lower case.
LEVEL_WORDS = _longest_first(_IN_TEXT)
HEADER_WORDS = _longest_first(_IN_TEXT | _IN_HEADERS)


def level_of(value: object) -> Level | None:
    """The level that a level field's value names: a word, a syslog digit or a pino number."""
    if isinstance(value, str):
        return _AS_WRITTEN.get(value) or _IN_FIELDS.get(value.lower())
    return _PINO.get(value) if isinstance(value, int) else None


def syslog_level(priority: int) -> Level:
    """The level of a syslog severity (0 to 7), which a priority value holds in its low bits."""
    return _IN_FIELDS[str(priority % 8)]


def http_level(status: object) -> Level | None:
    """The level that an HTTP status stands for in an access log: 5xx ERROR, 4xx WARN."""
    if not isinstance(status, int) or not 100 <= status <= 599:
        return None
    return Level.ERROR if status >= 500 else Level.WARN if status >= 400 else Level.INFO


def _from_second_letter(words: Iterable[str]) -> str:
    """Words in a text of which the first letter was read already."""
    by_initial: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        # What stands before the word is looked at from its end.
        by_initial[word[0]].append(rf"{word[1:]}(?<![\w.=/-]{word})")
    return "|".join(rf"(?<={first})(?:{'|'.join(rest)})" for first, rest in by_initial.items())


_IN_UPPER_CASE = LEVEL_WORDS.upper().split("|")
_INITIALS = "".join(sorted({word[0] for word in _IN_UPPER_CASE}))
_NAMED = r"(?<=\blevel[=:])|(?<=\blvl[=:])|(?<=\bseverity[=:])"
# It begins with one set of characters, so that the search leaps from one of them to the next. The
# word is what a group captures, or else the whole match.
_LEVEL_IN_TEXT = re.compile(
    rf"[{_INITIALS}\[<(|=:](?:(?:{_from_second_letter(_IN_UPPER_CASE)})(?![\w=/.-]|: ?0\b)"
    rf"|(?<=[\[<(|])((?i:{LEVEL_WORDS}))(?=[\]>)|])"
    rf"|(?:{_NAMED}) ?\"?((?i:{LEVEL_WORDS}))\b"
    rf"|(?<=[\w\])]:) ((?i:{LEVEL_WORDS}))(?=: ))",
    re.ASCII,
)
_LEVEL_FIRST = re.compile(
    rf"\W{{0,3}}(?=[{_INITIALS}{_INITIALS.lower()}])((?i:{LEVEL_WORDS}))(?=[:\]] |:$| {{2,}})",
    re.ASCII,
)


def level_in(text: str, start: int = 0) -> Level | None:
    """The level that stands among the first words of `text` from `start`, if any."""
    match = _LEVEL_FIRST.match(text, start) or _LEVEL_IN_TEXT.search(
        text, start, start + _SEARCH_CHARS
    )
    return _IN_TEXT[match[match.lastindex or 0].lower()] if match else None
