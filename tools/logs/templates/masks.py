"""`Masker`: a message with everything replaced that is a value by its looks alone.

It works one token at a time, with a cache, because tokens repeat far more than lines do; only dates
are written in several tokens. Words that vary without looking like values are left to
`tools.logs.templates.merging`. Masking a template again changes nothing, so templates that were
kept somewhere can be masked once more when the rules have changed.
"""

from __future__ import annotations

import re

_CACHE_LIMIT = 100_000
# What stands beside a mark may be a value only now: the hash in `10.0.0.1ffffffff`.
_MAX_PASSES = 4

_TOP_LEVEL = (
    "com|net|org|io|dev|edu|gov|mil|int|info|biz|local|internal|lan|svc|arpa|(?:com|net|org|edu|co"
    "|ac)\\.[a-z]{2}|au|br|ca|ch|cn|de|es|eu|fr|it|jp|kr|nl|ru|se|uk"
)
_HEX_GROUP = "[0-9a-fA-F]{1,4}"
# What Kubernetes makes random suffixes of: no vowels, nothing that is easily mistaken.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"

# All that begins with a lookbehind does so to be tried at few places of a long token.
_ALL_BITS = re.compile(r"f{8,}|F{8,}")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.]+")
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'=<>]+=[^\s\"']*")
_VARIABLE = re.compile(
    r"(?P<uuid>(?<![0-9a-fA-F])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-fA-F]))"
    r"|(?P<time>(?<!\d)\d{4}-\d\d-\d\d[T_]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"(?![^\W_]))"
    r"|(?P<mac>(?<![\w:-])[0-9a-fA-F]{1,2}(?:[:-][0-9a-fA-F]{1,2}){5}(?:[:-][0-9a-fA-F]{2}){0,2}"
    r"(?![\w:-]))"
    r"|(?P<host>(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?:/\d+)?(?::\d+)?"
    r"|\[?(?<![\w:.])(?=[0-9a-fA-F:]*\d)"
    rf"(?:(?:{_HEX_GROUP}:){{7}}{_HEX_GROUP}"
    rf"|(?:{_HEX_GROUP}(?::{_HEX_GROUP}){{0,6}})?::(?:{_HEX_GROUP}(?::{_HEX_GROUP}){{0,6}})?)"
    r"(?:%\w+)?(?:/\d+)?(?![\w:])(?:\]:\d+)?"
    rf"|(?<![\w.-])(?:[\w-]+\.)+(?:{_TOP_LEVEL})\b(?!\.[\w<])(?!-)(?::\d+)?)"
    rf"|(?P<pod>(?<=[a-z\d]-)(?:(?=[a-z]*\d){_SAFE}{{8,10}}-{_SAFE}{{5}}"
    rf"|(?=\d*[a-z])(?=[a-z]*\d){_SAFE}{{5}})(?![\w-]))"
    r"|(?P<hex>\b0[xX][0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{6,}\b"
    r"|\bf{8,}\b|\bF{8,}\b)"
    r"|(?P<id>(?<![^\W_])eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"
    r"|(?<![\w+/=-])(?=[A-Za-z+/]*\d)(?:[A-Za-z\d+/]{4}){4,}(?:[A-Za-z\d+/]{2}=|[A-Za-z\d+/]{3})="
    r"(?![\w=<])"
    r"|(?<![^\W_])(?=[A-Za-z\d]*\d[A-Za-z])(?!\d+[A-Za-z]+\b)[A-Za-z\d]{7,}(?![^\W_]))"
    r"|(?P<n>(?<![\w./-])\d+(?:/\d+)+(?![\w/])"
    r"|(?:(?<![A-Za-z\d])[-+])?\d+(?:[.,]\d+|[:-]\d+(?![A-Za-z\d]))*)"
)
_MARKS = {
    "uuid": "<uuid>",
    "time": "<time>",
    "mac": "<mac>",
    "host": "<host>",
    "hex": "<hex>",
    "pod": "<id>",
    "id": "<id>",
    "n": "<n>",
}

# `<host>,<host>`: a list of any length.
_LIST = re.compile(r"(<[a-z]+>)(?:[,;|]\1)+")
# `attempt_<n>_<n>_m_<n>`: one id of many parts.
_PARTS = re.compile(r"<n>(?:[_-](?:[a-z][_-])?<n>)+")
_NUMBERED = re.compile(r"(?!v<n>$)[^<>?]*<(?:n|hex|id|uuid)>")

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_HAS_DATE = re.compile(rf"\b{_MONTH} <n>|<n> {_MONTH}\b")
_DATE = re.compile(
    rf"(?<![\w.-])(?:{_DAY},? )?(?:{_MONTH} <n>(?:,? <n>)*|<n> {_MONTH} <n>(?: <n>)?)"
    r"(?: [A-Z]{3,4} <n>| (?:UTC|GMT|[A-Z]{1,2}[SD]T)\b| <n>)*(?!\w)"
)


class Masker:
    """Masks messages; keep one per analysis, its cache of tokens is what makes it fast."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def mask(self, message: str) -> str:
        """`message` with numbers, addresses, ids and times replaced by marks like `<n>`."""
        known = self._tokens
        try:
            masked = " ".join([known[token] for token in message.split()])
        except KeyError:
            masked = " ".join([known.get(token) or self._learn(token) for token in message.split()])
        return _DATE.sub("<time>", masked) if _HAS_DATE.search(masked) else masked

    def _learn(self, token: str) -> str:
        masked = mask_token(token)
        if len(self._tokens) >= _CACHE_LIMIT:
            self._tokens.clear()
        self._tokens[token] = masked
        return masked


def mask_token(token: str) -> str:
    """One word of a message with its variable parts replaced by marks."""
    if token.isalpha() and not _ALL_BITS.fullmatch(token):
        return token
    for _ in range(_MAX_PASSES):
        masked = _masked(token)
        if masked == token:
            break
        token = masked
    return token


def _masked(token: str) -> str:
    if "@" in token:
        token = _EMAIL.sub("<email>", token)
    if "?" in token:
        token = _QUERY.sub("?<query>", token)
    masked = _VARIABLE.sub(_mark, token)
    return _folded(masked) if masked.count("<") > 1 else masked


def _mark(match: re.Match[str]) -> str:
    return _MARKS[match.lastgroup or "n"]


def _folded(masked: str) -> str:
    """`masked` with runs of marks as one: how long they are is a value, too."""
    masked = _PARTS.sub("<n>", _LIST.sub(r"\1", masked))
    return _without_numbered_folders(masked) if "/" in masked else masked


def _without_numbered_folders(path: str) -> str:
    """`/data/blk_<n>` for `/data/subdir<n>/subdir<n>/blk_<n>`, however deep it lies."""
    *folders, name = path.split("/")
    if _NUMBERED.match(name):
        while len(folders) > 1 and _NUMBERED.fullmatch(folders[-1]):
            folders.pop()
    return "/".join([*folders, name])
