"""Folding: passages that say the same are shown once.

Runbooks are copied between teams and versions. Two passages are the same when most of their runs of
words are (shingles: Broder 1997).
"""

from __future__ import annotations

import re

SAME_SHARE = 0.8
_SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")

Shingles = frozenset[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """The runs of four words in `text`; all its words when they are fewer."""
    words = _WORD.findall(text.lower())
    last = max(len(words) - _SHINGLE_WORDS + 1, 1)
    return frozenset(tuple(words[start : start + _SHINGLE_WORDS]) for start in range(last))


def are_same(one: Shingles, other: Shingles) -> bool:
    """Whether two texts, given by their shingles, say the same."""
    # Most pairs are told apart by their lengths.
    if min(len(one), len(other)) < SAME_SHARE * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= SAME_SHARE * (len(one) + len(other) - shared)
