"""Fields: what a question calls "source address" or "hour", found in the records of a log.

A field is looked for under the names that logs give it: in a record's own fields, as `key=value`,
after the word that introduces it, or by its form (an address). What cannot be found is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.logs.lookup.words import stem
from tools.logs.records import Record

_MIN_SHARE = 0.1

Extract = Callable[[Record, datetime | None], str | None]
"""The field's value in one record, or None."""

_ADDRESS = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
_VALUE = r"\"?([\w./:@%-]*[\w/%])"
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
# Not the beginning of an identifier, an address or a version.
_WHOLE = r"(?!\w|[-:/]\w|\.\d)"
_UNIT = r"\s?(?:%|[kKMGT]?i?B|[mnuµ]?s|secs?|seconds?|minutes?)\b"
_PAIR = re.compile(rf"([A-Za-z_][\w.-]*)\"?\s?[=:]\s?\"?(-?\d+(?:\.\d+)?)(?:{_UNIT})?{_WHOLE}")
_WORD_NUMBER = re.compile(rf"\b([A-Za-z_]{{3,}})\s(\d+(?:\.\d+)?)(?:{_UNIT})?{_WHOLE}")
_NUMBER_WORDS = re.compile(
    r"(?<![\w.:/-])(\d+(?:\.\d+)?)\s?([A-Za-zµ]{1,10})\b(?:\s\([^)]*\))?(?:\s([a-z]{3,12})\b)?"
)


@dataclass(frozen=True, slots=True)
class _Noun:
    """A thing that people count: their words for it, and how logs name it."""

    words: re.Pattern[str]
    keys: tuple[str, ...]
    in_text: re.Pattern[str] | None = None


def _noun(words: str, keys: str, in_text: str = "") -> _Noun:
    return _Noun(
        re.compile(rf"^(?:{words})$", re.IGNORECASE),
        tuple(keys.split()),
        re.compile(in_text, re.IGNORECASE) if in_text else None,
    )


_NOUNS = (
    _noun(
        "address(?:es)?|ips?|hosts?|clients?|sources?|peers?|origins?|where",
        "rhost client_ip client remote_addr remote_ip src source_ip ip peer addr address host",
        rf"\b(?:from|rhost=|client[:=]?|src[=:]|source)\s*\"?/?({_ADDRESS})|({_ADDRESS})"
        r"|\b(?:from |rhost=)([\w-]+(?:\.[\w-]+)+)",
    ),
    _noun(
        "users?|accounts?|logins?|usernames?|names?",
        "user username user_name user_id uid account login",
        rf"\b(?:user(?:name)?|account)(?:=|: ?| ){_VALUE}"
        r"|\bfor (?:invalid user )?([\w.@-]+) from\b",
    ),
    _noun(
        "status(?:es)?|codes?|responses?",
        "status status_code statusCode http_status code",
        r"HTTP/\d(?:\.\d)?\"? (\d{3})\b|\b(?:status|code)\"?[=: ]{1,2}(\d{3})\b",
    ),
    _noun(
        "paths?|urls?|endpoints?|routes?|pages?|uris?|files?",
        "path url endpoint uri route request_uri http.target file",
        r"\"(?:GET|POST|PUT|DELETE|PATCH|HEAD) ([^\s?\"]+)|\b(?:GET|POST|PUT|DELETE|PATCH|HEAD) "
        r"([^\s?\"]+)|(?<![\w.:/])(/[\w.-]+(?:/[\w.-]+)*)",
    ),
    _noun("ports?", "port", r"\bport[ =:]+(\d+)"),
    _noun("pods?|containers?|nodes?|queues?|topics?|tables?|tenants?|customers?|jobs?|tasks?", ""),
)
_SERVICE = re.compile(
    r"^(?:services?|components?|loggers?|programs?|process(?:es)?|modules?|daemons?|tags?|units?)$",
    re.IGNORECASE,
)
_LEVEL = re.compile(r"^(?:levels?|severit(?:y|ies))$", re.I)
BUCKETS = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d"}
_TIME_WORDS = re.compile(r"time|took|duration|latency|elapsed|_ms|_s$|ms$|seconds?|response", re.I)
_SIZE_WORDS = re.compile(r"len|size|bytes|length|count|total", re.I)
_WANTS_TIME = re.compile(r"time|slow|fast|duration|latency|long|quick|second|took", re.IGNORECASE)
_NO_MEASURE = re.compile(r"^(?:p?id|uid|port|line|status|code|pid|tid|at)$", re.IGNORECASE)


def is_field_noun(word: str) -> bool:
    """Whether people mean a field of the records by `word`."""
    return (
        any(noun.words.match(word) for noun in _NOUNS)
        or word.lower() in BUCKETS
        or _SERVICE.match(word) is not None
        or _LEVEL.match(word) is not None
    )


def find_field(name: str, records: Sequence[Record]) -> tuple[str, Extract] | None:
    """The field that the words `name` mean in records like these: what it is called there, and it.

    None when hardly any of the records have something of the kind.
    """
    for label, extract in _candidates(name):
        found = sum(extract(record, record.time) is not None for record in records)
        if found >= max(1, len(records) * _MIN_SHARE):
            return label, extract
    return None


def _candidates(name: str) -> Iterator[tuple[str, Extract]]:
    words = name.split()
    for word in reversed(words):
        if word.lower() in BUCKETS:
            yield word.lower(), _bucket(BUCKETS[word.lower()])
        if _SERVICE.match(word):
            yield "service", lambda record, _: record.service or None
        if _LEVEL.match(word):
            yield "level", lambda record, _: record.level.name if record.level else None
    for word in reversed(words):
        yield from _named(word)
    for noun in (noun for word in reversed(words) for noun in _NOUNS if noun.words.match(word)):
        for key in noun.keys:
            yield key, _keyed(key)
        if noun.in_text is not None:
            yield words[-1], _found(noun.in_text)
    if words and re.match(r"ids?$|numbers?$|states?$|values?$", words[-1], re.IGNORECASE):
        yield words[-1], _first_number


def _named(word: str) -> Iterator[tuple[str, Extract]]:
    """A field, or what stands behind the word, by the word's own name."""
    root = re.escape(stem(word))
    if len(root) < 2 or not re.fullmatch(r"[\w.-]+", word):
        return
    yield word, _keyed(word)
    yield word, _keyed(stem(word))
    yield word, _found(re.compile(rf"\b{root}\w{{0,3}}\"?[=:]\s?{_VALUE}", re.IGNORECASE))
    # "state 6": only a value with a digit in it, for any word may follow a word.
    yield word, _found(re.compile(rf"\b{root}\w{{0,3}} #?\"?([\w./-]*\d[\w./-]*)", re.I))


def _bucket(form: str) -> Extract:
    return lambda record, time: time.strftime(form) if time else None


def _keyed(key: str) -> Extract:
    def extract(record: Record, _: datetime | None) -> str | None:
        value = record.fields.get(key)
        return None if value is None or value == "" else str(value)

    return extract


def _found(pattern: re.Pattern[str]) -> Extract:
    def extract(record: Record, _: datetime | None) -> str | None:
        match = pattern.search(record.message)
        return next(filter(None, match.groups()), None) if match else None

    return extract


def _first_number(record: Record, _: datetime | None) -> str | None:
    """The first number of the message that is no address and no port."""
    text = re.sub(rf"{_ADDRESS}(?::\d+)?", " ", record.message)
    match = _NUMBER.search(text)
    return match[0] if match else None


@dataclass(frozen=True, slots=True)
class Measure:
    """A number in the records of a log, by its name there."""

    name: str
    value: Callable[[Record], float | None]
    text: Callable[[Record], str | None]


def find_measure(name: str, records: Sequence[Record]) -> Measure | None:
    """The number that the words `name` ask for ("slowest request", "response time"), if any."""
    counts: dict[str, int] = {}
    for record in records:
        for key, _ in measures(record):
            counts[key] = counts.get(key, 0) + 1
    known = {key: count for key, count in counts.items() if count * 5 >= len(records)}
    best = max(known, key=lambda key: (fitness(key, name), known[key]), default=None)
    if best is None or fitness(best, name) <= 0:
        return None
    return _measure(best)


def _measure(key: str) -> Measure:
    def text(record: Record) -> str | None:
        return next((found for name, found in measures(record) if name == key), None)

    def value(record: Record) -> float | None:
        found = text(record)
        return float(found) if found is not None else None

    return Measure(key, value, text)


def measures(record: Record) -> Iterator[tuple[str, str]]:
    """The numbers in a record, each with its name: of its fields, or else of its message."""
    for key, value in record.fields.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield key, str(value)
    if not record.fields:
        for match in _PAIR.finditer(record.message):
            yield match[1], match[2]
        for match in _WORD_NUMBER.finditer(record.message):
            yield match[1], match[2]
        for match in _NUMBER_WORDS.finditer(record.message):
            yield " ".join(filter(None, match.groups()[1:])), match[1]


def fitness(key: str, name: str) -> int:
    """How well a number called `key` fits what the words `name` ask for; 0: not at all."""
    if _NO_MEASURE.match(key):
        return 0
    own = 2 * sum(_is_part(stem(word), key.lower()) for word in name.split())
    wanted = _TIME_WORDS if _WANTS_TIME.search(name) else _SIZE_WORDS
    return own + (1 if wanted.search(key) else 0)


def _is_part(root: str, key: str) -> bool:
    """Whether a word of the question names the number: `length` also where the log has `len`."""
    return len(root) > 2 and (root in key or (len(key) > 2 and root.startswith(key)))
