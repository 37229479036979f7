"""Templates: messages with their variable parts masked, and near-identical ones merged.

`Masker` turns a message into a template one token at a time, with a cache, because tokens repeat
far more than lines do. `merge` then joins distinct templates that differ only where many values
occur (user names, host names), after the idea of Drain (He et al., ICWS 2017), but on distinct
templates only and more carefully: two errors that differ in one word stay two errors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

_CACHE_LIMIT = 100_000
_MIN_SIMILARITY = 0.6
_MAX_COMPARED = 50
# A word with a structure (a name, a path, key=value) is soon a variable, a plain word seldom.
_MIN_STRUCTURED_VARIANTS = 3
_MIN_WORD_VARIANTS = 5

_VARIABLE = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<host>(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?::\d+)?"
    r"|\b(?:[\w-]+\.)+(?:com|net|org|io|dev|local|internal|(?:com|net|org|edu|co|ac)\.[a-z]{2})"
    r"\b(?!\.\w)(?::\d+)?)"
    r"|(?P<hex>\b0[xX][0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{6,}\b)"
    r"|(?P<id>(?<![^\W_])(?=[A-Za-z\d]*\d[A-Za-z])(?!\d+[A-Za-z]+\b)[A-Za-z\d]{7,}(?![^\W_]))"
    r"|(?P<n>[-+]?\d+(?:[.,:/-]\d+)*)"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_MARKS = {"uuid": "<uuid>", "host": "<host>", "hex": "<hex>", "id": "<id>", "n": "<n>"}


class Masker:
    """Masks messages; keep one per analysis, its cache of tokens is what makes it fast."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def mask(self, message: str) -> str:
        """`message` with numbers, addresses, ids and times replaced by marks."""
        known = self._tokens
        try:
            return " ".join([known[token] for token in message.split()])
        except KeyError:
            return " ".join([known.get(token) or self._learn(token) for token in message.split()])

    def _learn(self, token: str) -> str:
        masked = mask_token(token)
        if len(self._tokens) >= _CACHE_LIMIT:
            self._tokens.clear()
        self._tokens[token] = masked
        return masked


def mask_token(token: str) -> str:
    """One word of a message with its variable parts replaced by marks."""
    if token.isalpha():
        return token
    if "@" in token:
        token = _EMAIL.sub("<email>", token)
    return _VARIABLE.sub(_mark, token)


def _mark(match: re.Match[str]) -> str:
    return _MARKS[match.lastgroup or "n"]


@dataclass(slots=True)
class _Cluster:
    """Templates that may be one: equal length, and similar enough to the first of them."""

    first: Sequence[str]
    members: list[int] = field(default_factory=list)


def merge(
    templates: Sequence[str], kinds: Sequence[Hashable] | None = None
) -> list[tuple[str, list[int]]]:
    """Join near-identical templates: (template, positions in `templates`) of each group.

    Only templates of equal kind (`kinds[i]`, where given) are joined. A differing word becomes
    `<*>` only where it takes many values; otherwise the templates stay apart.
    """
    tokens = [_without_repeats(template.split(" ")) for template in templates]
    buckets: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, words in enumerate(tokens):
        buckets[(kinds[position] if kinds else None, len(words))].append(position)
    groups: list[tuple[str, list[int]]] = []
    for bucket in buckets.values():
        for cluster in _cluster(tokens, bucket):
            groups.extend(_settle(tokens, cluster.members))
    return groups


def _without_repeats(words: list[str]) -> list[str]:
    """A list of any length (`<id> <id> <id>`) is the same template as a list of one."""
    return [
        word
        for position, word in enumerate(words)
        if not (position and "<" in word and word == words[position - 1])
    ]


def _cluster(tokens: Sequence[Sequence[str]], bucket: Iterable[int]) -> Iterable[_Cluster]:
    by_start: defaultdict[str, list[_Cluster]] = defaultdict(list)
    for position in bucket:
        words = tokens[position]
        clusters = by_start[words[0]]
        # The newest first, and not all of them: comparing everything would take quadratic time.
        for cluster in clusters[: -_MAX_COMPARED - 1 : -1]:
            if _similarity(cluster.first, words) >= _MIN_SIMILARITY:
                cluster.members.append(position)
                break
        else:
            clusters.append(_Cluster(words, [position]))
    return [cluster for clusters in by_start.values() for cluster in clusters]


def _similarity(left: Sequence[str], right: Sequence[str]) -> float:
    return sum(map(str.__eq__, left, right)) / len(left)


def _settle(tokens: Sequence[Sequence[str]], members: list[int]) -> list[tuple[str, list[int]]]:
    """Wildcard the words with many values; members that still differ are groups of their own."""
    columns = zip(*(tokens[member] for member in members), strict=True)
    is_variable = [_is_variable(set(column)) for column in columns]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for member in members:
        words = zip(tokens[member], is_variable, strict=True)
        groups[" ".join("<*>" if variable else word for word, variable in words)].append(member)
    return list(groups.items())


def _is_variable(variants: set[str]) -> bool:
    if len(variants) < _MIN_STRUCTURED_VARIANTS:
        return False
    if len(variants) >= _MIN_WORD_VARIANTS:
        return True
    return not any(variant.strip("\"'`()[]{}<>:;,.").isalpha() for variant in variants)
