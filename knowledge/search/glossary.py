"""The words that every operations team shares: other words for a thing, and names of products.

Both are plain lists beside this module, `glossary.txt` and `products.txt`: a person can read and
correct them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from knowledge.search.terms import STOP_WORDS, split_humps

_WORD = re.compile(r"[^\W_]+")
# An address names the host of a page, not what the text is about.
_ADDRESS = re.compile(r"https?://\S+")
_APOSTROPHE = re.compile("['\u2019]")

# In the list of products: what is none, though a part of it looks like one.
_NO_PRODUCT = "-"


def other_words(text: str) -> tuple[str, ...]:
    """What runbooks may call the things that `text` speaks of, each once, in its order."""
    words = _words(text)
    found = (_glossary().get(name, ()) for word in words for name in _forms(word))
    return tuple(dict.fromkeys(other for others in found for other in others if other not in words))


def products_of(text: str) -> frozenset[str]:
    """The products that `text` names, each by its first name in the list."""
    text = _ADDRESS.sub(" ", text)
    named = {*_named(_words(text)), *_named(_words(split_humps(text)))}
    return frozenset(named - {_NO_PRODUCT})


def _named(words: Sequence[str]) -> Iterator[str]:
    """The products in `words`; two words that are one name together are not looked at alone."""
    known = _products()
    place = 0
    while place < len(words):
        for size in (2, 1):
            forms = _forms(_name(words[place : place + size]))
            name = next((known[form] for form in forms if form in known), "")
            if name:
                yield name
                break
        place += size


def _name(words: Sequence[str]) -> str:
    """`words` as one name; nothing when a word of several is none of a name (`i am`, `or a`)."""
    is_name = len(words) == 1 or STOP_WORDS.isdisjoint(words)
    return "".join(words) if is_name else ""


def _words(text: str) -> list[str]:
    return _WORD.findall(_APOSTROPHE.sub("", text.lower()))


def _forms(word: str) -> tuple[str, ...]:
    return (word, word[:-1]) if word.endswith("s") else (word,)


@cache
def _glossary() -> dict[str, tuple[str, ...]]:
    entries = (line.partition("=") for line in _lines("glossary.txt"))
    return {word.strip(): tuple(other.replace(",", " ").split()) for word, _, other in entries}


@cache
def _products() -> dict[str, str]:
    entries = (entry.partition("=") for line in _lines("products.txt") for entry in line.split())
    return {
        name: first
        for first, _, others in entries
        for name in (first, *filter(None, others.split(",")))
    }


def _lines(name: str) -> list[str]:
    text = (files("knowledge.search") / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
