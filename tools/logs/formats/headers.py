"""Headers: what logging puts between the time stamp and the message.

A level, a process or thread, a logger or a place in the code, in the order and the punctuation of
the many layouts in use (log4j, logback, spring, python, loguru, zap, nginx, mysql, kafka, …). They
are described by their parts, not by their products: a level and a logger are told by their form. A
word that might belong to the message is left in it.
"""

from __future__ import annotations

import re

from tools.logs.levels import HEADER_WORDS, LEVEL_WORDS, Level, level_of

# All repetitions are bounded, or cannot be split in two ways: a hostile line costs no more time
# than a friendly one.
_BRACKET = r"\[(?:[^\[\]]{1,300}+|\[[^\[\]]{0,80}\]){0,8}+\]"
_BARE = f"{LEVEL_WORDS}|inf|ftl|trc|trac|blat|dpanic|finest|finer".upper()
_NAMED = "info|warn|warning|error|debug|err|notice|trace|verbose|log|note"
_SOURCE_FILE = r"[\w./@$-]{1,120}\.(?:go|py|rs|cc?|cpp|java|js|ts|rb|kt|cs|scala|php|h)"
# A logger's name has a structure, but a host or a file that is spoken of is no logger.
_NO_LOGGER = (
    r"(?!(?!(?:org|com|net|io|java)\.)\S{1,120}\.(?:ya?ml|json|conf|cfg|ini|log|txt|sh|xml|toml"
    r"|sock|com|net|org|io|local|internal|svc)\b:?\s)"
)
_LOGGER = _NO_LOGGER + r"[A-Za-z_$][\w$-]*+(?:(?:\.|::?|/|@)[\w$<>-]++)++"

_BEHIND_LEVEL = r"(?:/[\w-]{1,40}\])?[\]:,\s]*+(?P<divider>[-|]\s+)?"
# The beginning of a message: a logger would have a structure or something behind it.
_WORDS = r"[A-Za-z0-9_']+ [A-Za-z0-9_(]"
_MESSAGE_AHEAD = re.compile(_WORDS)
_WORD_LEVEL = re.compile(
    rf"({_BARE})(?=[\s:|,/\]])([:|\]])?{_BEHIND_LEVEL}"
    rf"(?:(?P<message>(?={_WORDS}))"
    r"|\[[^\[\]]{1,80}\]\s(?P<logger>[A-Za-z_][\w$]*+(?:\.[\w$]++)++):\s)?"
)
_LEVEL = re.compile(
    rf"(?:(?:{_BRACKET}|\d{{1,10}}|#\d{{1,10}}\]|\{{[^{{}}]{{0,80}}\}}"
    r"|[\w\[\]]{1,80}@[\w\[\]]{1,80}"
    r"|(?P<name>[A-Za-z_][\w.$/-]{0,80})(?= +[-|] ))[\s:|-]*){0,3}?"
    rf"(?:(?:[\w-]{{1,40}}\.(?=[A-Z]+: ))?(?P<bare>{_BARE})(?=[\s:|,/\]]|$)"
    rf"|[\[(<]\s?(?:[\w-]{{1,40}}:)?(?P<boxed>(?i:{HEADER_WORDS}))\s*[\])>]"
    rf"|(?P<named>(?i:{_NAMED}))(?=:\s|\s{{2}})"
    rf"|(?P<column>(?i:{HEADER_WORDS}))(?=\s*\|))"
    rf"{_BEHIND_LEVEL}"
)
_PROCESS = re.compile(
    r"\d+#\d+:\s(?:\*\d+\s)?"
    r"|\[MY-\d+\]\s\[(?P<subsystem>\w+)\]\s"
    rf"|\d+\s+---\s+(?:{_BRACKET}\s*){{1,3}}(?P<class>\S{{1,120}})\s+:\s"
    r"|\[pid \d+(?::tid \d+)?\]\s"
    r"|--\s(?P<program>[\w-]*):\s"
)
_SOURCE = re.compile(
    r"(?<=[A-Z]:)(?P<python>[A-Za-z_][\w.]{0,80}):\s?"
    r"|(?<=\t)(?P<tabbed>[\w.-]{1,80})\t"
    rf"|(?:{_BRACKET}\s*)?(?P<logger>{_LOGGER})"
    r"(?:\s+[-|]\s+|\s*:\s+|\s?\t\s*|\s(?=\[(?:req-|-\])))"
    rf"|{_BRACKET}\s(?P<java>(?:[a-z][\w]*\.){{2,10}}[\w$.<>]{{1,120}})\s"
    r"|\[(?:\S{0,120}?[:\[](?P<owner>[\w$]+)@\d+|[^\[\]]{0,120}|\S{1,120}?)\]\s+-\s+"
    rf"|(?:{_BRACKET}\s*)?\[\s?(?P<box>{_LOGGER})\s*\]\s*(?:[-:]\s+)?"
    r"|(?P<tag>[A-Z][A-Z0-9_]+)\s{2,}"
)
_WORD = re.compile(r"([\w.$-]{1,80})\s+[-|]\s+")
_PLACE = re.compile(
    rf"(?:[\[({{]?{_SOURCE_FILE}:\d+[\])}}]?:?\s+(?:-\s+)?)?(?:\[(?:req-[^\]]{{0,200}}|-)\]\s+)?"
)
# Lines that PostgreSQL adds to the one before: they have a name where that has a level.
_PART = re.compile(
    rf"(?:{_BRACKET}[^\n\[]{{0,80}}? )?(?=(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  )"
)
_CODE_PLACE = re.compile(rf"({_SOURCE_FILE}):\d+: ")
_PROCESS_STARTS = "0123456789-"

# (level, service, where the message begins, whether the level is a mere word). A mere word may be
# meant as the message's first, as in `ALERT exited` and `error: no route`: nothing sets it apart.
# A plain tuple, because there is one for nearly every line.
Header = tuple[Level | None, str, int, bool]


def read_header(text: str, start: int) -> Header | None:
    """The header with a level that begins at `start`; None where there is none."""
    match = _WORD_LEVEL.match(text, start)
    if match is not None:
        bare, mark, divider, message, logger = match.groups()
        if logger or message is not None:
            return level_of(bare), logger or "", match.end(), not (mark or logger)
        return _with_source(text, match.end(), level_of(bare), "", divider, mark is None)
    match = _LEVEL.match(text, start)
    if match is None:
        part = _PART.match(text, start)
        return (Level.INFO, "", part.end(), False) if part else None
    name, bare, boxed, named, column, divider = match.groups()
    level = level_of(bare or boxed or named or column)
    return _with_source(text, match.end(), level, name or "", divider, named is not None)


def _with_source(
    text: str, start: int, level: Level | None, name: str, divider: str | None, is_mere_word: bool
) -> Header:
    service, end = _source(text, start)
    service = service or name
    if divider and not service:
        word = _WORD.match(text, end)
        if word is not None:
            service, end = word[1], word.end()
    place = None if _MESSAGE_AHEAD.match(text, end) else _PLACE.match(text, end)
    return level, service, place.end() if place else end, is_mere_word and not service


def _source(text: str, start: int) -> tuple[str, int]:
    """Who speaks, and where that ends; `start` itself where nobody is named."""
    if text[start : start + 1] in _PROCESS_STARTS or text.startswith(("[MY-", "[pid "), start):
        process = _PROCESS.match(text, start)
        if process is not None:
            start = process.end()
            service = process["class"] or process["program"]
            if service:
                return service, start
    source = _SOURCE.match(text, start)
    if source is None:
        return "", start
    return source[source.lastgroup] if source.lastgroup else "", source.end()


def code_place(text: str, start: int) -> int:
    """Where the message begins behind `main.go:12: `, `start` where there is no such thing."""
    match = _CODE_PLACE.match(text, start)
    return match.end() if match else start
