"""Terms: the words by which keyword search finds a text, cut as operations people write them.

`KubePodCrashLooping` is found by its own name and by "pod crash looping"; `ORA-01555`,
`HEALTH_WARN` and `nf_conntrack` are found whole and by their parts; `evicted` finds `eviction`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words that say nothing about what a text is about, and what is left of `don't` and its like.
_STOP_WORDS = """
    a about after again all also am an and any are as at be because been before being but by can
    cannot could did do does doing done each else ever every for from get gets getting go goes going
    got had has have having he her here him his how i if in into is it its just like lot me more
    most much my next no not now nothing of off on only or other our out over own pls please same
    see she should since so some somebody still such than that the their them then there these they
    this those through to too try under until up us use used using very was we were what when where
    which while who why will with without would yes yet you your
    ain aren cant couldn didn didnt doesn doesnt don dont hadn hasn haven isn isnt shouldn wasn
    weren won wont wouldn
    """
STOP_WORDS = frozenset(_STOP_WORDS.split())

_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_PART = re.compile(r"[^\W_]+")
_CONTRACTED = re.compile(r"(?<=\w)['\u2019](?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
# aB|Cd: a lower-case letter or digit before a capital, and the last capital of an acronym; but
# neither the acronyms of `VMs` nor `IPv6`.
_HUMP = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])(?![A-Z]s(?![A-Za-z])|[A-Z]v\d)"
)
_MAX_TERM_CHARS = 64

# One after the other, so that the forms of a word end alike: `policies` and `policy`, `processes`
# and `process`, `stopped` and `stop`, `evicted` and `eviction`, `scaling` and `scale`.
_ENDINGS = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"(?<=\w\w)ie[sd]$", "y"),
        (r"(?<=\w\w)(?<!s)(?<!\w\w\w[iu])s$", ""),  # but: access, redis, status
        (r"(?<=\w\w\w)(?:ing|(?<!e)ed)$", ""),  # but: exceed
        (r"(?<=\w\w)([^\W\d_aeious])\1$", r"\1"),
        (r"(?<=\w\w\w\w[st])ion$", ""),
        (r"(?<=\w\w\w)e$", ""),
    )
)


def terms_of(text: str) -> list[str]:
    """The terms of `text` in its order, with repetitions: lower case, `[\\w]` only, stemmed."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    words = _WORD.findall(_CONTRACTED.sub("", plain))
    return [term for word in words for term in _terms_of_word(word)]


def split_humps(word: str) -> str:
    """`KubePodCrashLooping` as words: `Kube Pod Crash Looping`."""
    return _HUMP.sub(" ", word)


@lru_cache(maxsize=100_000)
def _terms_of_word(word: str) -> tuple[str, ...]:
    pieces = _PART.findall(word)
    parts = [_folded(part) for whole in pieces for part in split_humps(whole).split()]
    wholes = {_folded(piece) for piece in pieces}
    if len(parts) > 1:
        wholes.add("".join(parts))
    names = [*parts, *sorted(wholes.difference(parts))]
    return tuple(stem(name) for name in names if name and name not in STOP_WORDS)


def _folded(word: str) -> str:
    """Lower case, without accents."""
    if word.isascii():
        return word.lower()
    letters = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare)


def stem(word: str) -> str:
    """`word` without its ending, so that forms of one word meet; crude, and the same everywhere."""
    word = word[:_MAX_TERM_CHARS]
    for ending, instead in _ENDINGS:
        word = ending.sub(instead, word)
    return word
