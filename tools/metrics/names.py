"""Names of metrics: those that fit a person's words, and those that are close to a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_MIN_PREFIX = 3
# Comparing letters with more names than this takes longer than it is worth.
_MAX_COMPARED = 5000


def words_of(text: str) -> frozenset[str]:
    """The words of a name or a question, lower case: `httpRequests_total` has three."""
    return frozenset(word.lower() for word in _WORD.findall(text))


def spaced(name: str) -> str:
    """The words of a name in their order, lower case, with blanks between them."""
    return " ".join(_WORD.findall(name)).lower()


def fit(words: Iterable[str], text: str) -> float:
    """How many of `words` stand in `text`; one that only begins alike counts half."""
    known = words_of(text)
    return sum(1.0 if word in known else 0.5 * _begins_alike(word, known) for word in words)


def fitting_names(words: str, names: Iterable[str], helps: dict[str, str]) -> list[str]:
    """The names that share words with `words`, those with most and shortest first."""
    wanted = words_of(words)
    scored = [(fit(wanted, name) + 0.3 * fit(wanted, helps.get(name, "")), name) for name in names]
    return [name for score, name in sorted(scored, key=_best_first) if score > 0.3]


def close_names(name: str, names: Sequence[str], limit: int = 5) -> list[str]:
    """The names that somebody may have meant by `name`: alike in letters, or in words."""
    alike = get_close_matches(name, names[:_MAX_COMPARED], n=limit, cutoff=0.7)
    return list(dict.fromkeys([*alike, *fitting_names(name, names, {})]))[:limit]


def _best_first(scored: tuple[float, str]) -> tuple[float, int, str]:
    score, name = scored
    return (-score, len(name), name)


def _begins_alike(word: str, known: frozenset[str]) -> bool:
    return any(
        len(word) >= _MIN_PREFIX
        and len(other) >= _MIN_PREFIX
        and (other.startswith(word) or word.startswith(other))
        for other in known
    )
