"""Words: what a template consists of, and what each word may stand for.

Here is decided what tells one cause from another: such a word is never taken for a value, however
many there are of it. The words are general ones of the trade; nothing knows a product's messages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

ANY = "<*>"
_CACHED_WORDS = 100_000

_UNIT = (
    "(?:[kKMGTP]i?B|[Bb]ytes?|B|ns|us|µs|ms|msecs?|s|secs?|seconds?|min|mins|minutes?|h|hours?"
    "|days?)"
)
_QUANTITY = rf"<?(?:<n>[dhm])*<n> ?{_UNIT}\b(?: \(<n> ?{_UNIT}\))?"
# A quantity with its unit is one word, and so is a phrase in quotes, but for an HTTP request.
_WORD = re.compile(
    rf"[^\s<]*{_QUANTITY}\S*|(?<!\S)[^\s\"]{{0,80}}\"(?![A-Z]+ )[^\"]{{1,200}}\"\S*|\S+"
)
_QUANTITIES = re.compile(_QUANTITY)
_MARK = re.compile(r"<(?:\*|[a-z]+)>")
_MARKS_IN_A_ROW = re.compile(r"<\*>(?:[-+.,:/_]?<\*>)+")
_NOTHING = re.compile(r"([(\['\"])([)\]'\"])")

_PAIR = re.compile(r"([\w.@/-]+=)(.*)", re.DOTALL)
_PUNCTUATION = "\"'`()[]{}<>:;,."
_LETTERS = re.compile(r"[^\W\d_]+(?:[-_: ]+[^\W\d_]+)*")
_CAPITALS = re.compile(r"[A-Z][A-Z_]+")

# At the beginning of a word, or of a part of `camelCase` and `snake_case`.
_CAUSE = re.compile(
    r"(?:^|[^A-Za-z]|(?<=[a-z])(?=[A-Z]))(?i:"
    r"abort|accept|active\b|added|allow|avail|back-?off|blocked|bound\b|busy\b|cannot|clos|complet"
    r"|connect|corrupt|crash|creat(?:e|ed|ing)\b|critical|deadlock|degrad|delet(?:e"
    r"|ed|ing)\b|den(?:y|ied)|disabl|down\b|drop|enabl|end(?:ed|ing)?\b|error|evict"
    r"|exceed|except|exhaust|exit|expir|fail|false\b|fatal|finish|forbid|full\b"
    r"|hang|healthy|hung\b|idle\b|inactive|invalid|kill|leader\b|leak|locked|lost\b|miss|no\b|not\b"
    r"|offline|ok\b|online|oom|open|overflow|overload|panic|pass(?:ed)?\b|paus"
    r"|pending|primary\b|ready|refus|reject|remov|reset|restart|resum|retr(?:y|ies)|rollback"
    r"|run(?:ning)?\b|segfault|shut|standby|start|stop|stuck|succe|suspend|terminat|throttl"
    r"|time[d-]?[_-]?out|true\b|unable|unauth|unavail|unexp|unhealthy|unknown|unreach"
    r"|up\b|violat|wait|warn"
    r")"
)
_ERROR_NAME = re.compile(r"(?:Exception|Error|Failure|Fault)\b|\bE[A-Z]{4,}\b|\bSIG[A-Z]+\b")
_TELLING_KEY = re.compile(
    r"(?:^|[^A-Za-z]|(?<=[a-z])(?=[A-Z]))(?i:action|cause|code|condition|err(?:or)?|event|exception"
    r"|level|method|mode|op|outcome|phase|reason|result|stat(?:e|us)|type|verdict)=$"
)
_THING = re.compile(
    r"(?i)(?:user|account|host|device|node|interface|domain|database|table|topic|queue|container|pod"
    r"|bucket|group|file|key|job|tenant|customer)s?"
)
_BEFORE_A_THING = re.compile(
    r"(?i)(?:for|by|of|from|as|to|on|in|at|with|into|the|an?|invalid|unknown|illegal)"
)
_VERDICT = re.compile(
    r"(?i)\W*(?:state|status|reason|error|exception|result|phase|outcome|condition|cause|mode)\W*"
)


class Kind(Enum):
    """What a word may be, from what is surely a value to what never is one."""

    MARK = auto()  # nothing but a mark and punctuation
    NAME = auto()  # has dots, slashes, digits or a value beside its letters
    WORD = auto()  # letters alone
    CODE = auto()  # CAPITALS: a state, a verb, a constant; or a ticker symbol
    CAUSE = auto()  # tells why or how it ended


class Role(NamedTuple):
    """What a word may be, and what it keeps when its value is dropped: `user=`, or nothing."""

    kind: Kind
    key: str


def split_words(template: str) -> list[str]:
    """The words of a template; of a repeated value (`<id> <id> <id>`) the first."""
    words: list[str] = []
    for word in _WORD.findall(template):
        if not (words and "<" in word and word == words[-1]):
            words.append(word)
    return words


@lru_cache(_CACHED_WORDS)
def canonical(word: str) -> str:
    """`word` with every value as `<*>`: whether it was a number or a name, short, long or empty."""
    if "<" in word:
        word = _MARK.sub(ANY, _QUANTITIES.sub(ANY, word))
        return _MARKS_IN_A_ROW.sub(ANY, word)
    return _NOTHING.sub(rf"\1{ANY}\2", word) if _NOTHING.fullmatch(word) else word


@lru_cache(_CACHED_WORDS)
def role_of(word: str) -> Role:
    """The role of a canonical word."""
    pair = _PAIR.fullmatch(word)
    if pair is None:
        return Role(_kind(word), "")
    key, value = pair.groups()
    kind = _kind(value)
    if kind in (Kind.WORD, Kind.NAME) and ANY not in value:
        # The key makes a name of a word, or a state of a name.
        kind = Kind.CODE if _TELLING_KEY.search(key) else Kind.NAME
    return Role(kind, key)


def _kind(word: str) -> Kind:
    core = word.replace(ANY, "").strip(_PUNCTUATION)
    if not core:
        return Kind.MARK if ANY in word else Kind.WORD
    # A path or a dotted name has such words in it by chance.
    if _ERROR_NAME.search(core) or ("/" not in core and "." not in core and _CAUSE.search(core)):
        return Kind.CAUSE
    if ANY in word:
        return Kind.NAME
    if _CAPITALS.fullmatch(core):
        return Kind.CODE
    return Kind.WORD if _LETTERS.fullmatch(core) else Kind.NAME


def is_named(words: Sequence[str], place: int) -> bool:
    """Whether the words before say that a name stands at `place`: `for user` or `on the host`."""
    return (
        place > 1
        and _THING.fullmatch(words[place - 1]) is not None
        and _BEFORE_A_THING.fullmatch(words[place - 2]) is not None
    )


def is_verdict(words: Sequence[str], place: int) -> bool:
    """Whether the word before says that a state or a cause stands at `place`: `reason: Evicted`."""
    return place > 0 and _VERDICT.fullmatch(words[place - 1]) is not None
