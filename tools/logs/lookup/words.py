"""Words of a question against words of a log line.

People ask for "failed logins" where the log says "login failure"; a word therefore matches in
tiers, the strictest that finds anything winning: as it is, in another form of it, inside another
word, or by what logs say instead of it. Exact strings (with punctuation in them) match as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from tools.logs.lookup.query import Tier

TIERS: tuple[Tier, ...] = ("exact", "stem", "inside", "alike")
_MIN_STEM = 4
_ENDINGS = (
    "ations", "ation", "ures", "ure", "ions", "ion", "ings", "ing", "ments", "ment", "edly", "ed",
    "es", "s", "e",
)  # fmt: skip
_GAP = re.compile(r"\s*(?:\.{3}|…)\s*")


def stem(word: str) -> str:
    """`word` without its ending, at least four letters of it."""
    lower = word.lower()
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= _MIN_STEM:
            return lower[: -len(ending)]
    return lower


def word_pattern(word: str, tier: Tier) -> re.Pattern[str]:
    """What finds `word` in a line by the rule of `tier`."""
    if tier == "exact":
        singular = word[:-1] if len(word) > 3 and word.lower().endswith("s") else word
        return re.compile(rf"(?<![a-zA-Z0-9]){re.escape(singular)}s?(?![a-zA-Z0-9])", re.IGNORECASE)
    if tier == "stem":
        return re.compile(rf"(?<![a-zA-Z]){re.escape(stem(word))}", re.IGNORECASE)
    forms = (stem(word), *(alike(word) if tier == "alike" else ()))
    return re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)


def alike(word: str) -> tuple[str, ...]:
    """What logs say instead of `word`; empty where nothing is known."""
    return _alike().get(stem(word), ())


@cache
def _alike() -> dict[str, tuple[str, ...]]:
    text = files(__package__).joinpath("alike.txt").read_text("utf-8")
    entries = [line.partition(" = ") for line in text.splitlines() if line and line[0] != "#"]
    return {stem(word): tuple(others.split(", ")) for word, _, others in entries}


def literal_pattern(text: str) -> re.Pattern[str]:
    """What finds an exact string; `...` in it stands for anything."""
    parts = [re.escape(part) for part in _GAP.split(text.strip()) if part]
    return re.compile(".*".join(parts), re.IGNORECASE)


class WordCounts:
    """Which words stand in which lines together, by tier, over a whole log."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._roots = [stem(word) for word in words]
        self._exact = [word_pattern(word, "exact") for word in words]
        self._stem = [word_pattern(word, "stem") for word in words]
        self._alike = [word_pattern(word, "alike") if alike(word) else None for word in words]
        self._masks: dict[Tier, dict[int, int]] = {tier: {} for tier in TIERS}

    def add(self, text: str) -> None:
        """Count one line."""
        lower = text.lower()
        exact = by_stem = inside = by_alike = 0
        for place, root in enumerate(self._roots):
            # Each tier matches only what the next, looser one does.
            if root not in lower:
                other = self._alike[place]
                by_alike |= bool(other and other.search(text)) << place
                continue
            by_alike |= 1 << place
            inside |= 1 << place
            if self._stem[place].search(text):
                by_stem |= 1 << place
                if self._exact[place].search(text):
                    exact |= 1 << place
        for tier, mask in zip(TIERS, (exact, by_stem, inside, by_alike), strict=True):
            if mask:
                masks = self._masks[tier]
                masks[mask] = masks.get(mask, 0) + 1

    def together(self, wanted: Sequence[str], tier: Tier) -> int:
        """In how many lines all the `wanted` words stand."""
        bits = sum(1 << self.words.index(word) for word in wanted)
        masks = self._masks[tier]
        return sum(count for mask, count in masks.items() if mask & bits == bits)

    def missing(self, tier: Tier) -> tuple[str, ...]:
        """The words that stand in no line."""
        return tuple(word for word in self.words if not self.together([word], tier))

    def choose(self, optional: Sequence[str]) -> tuple[tuple[str, ...], Tier]:
        """The words to require and the tier: all of them, if any line has them all.

        Optional words are given up where no line has them beside the others. What no line has
        although it is not optional is required all the same: the answer is then none.
        """
        needed = tuple(word for word in self.words if word not in optional)
        for tier in TIERS:
            if self.together(self.words, tier):
                return self.words, tier
        for tier in TIERS:
            if not needed or self.together(needed, tier):
                return self._with_optional(needed, optional, tier), tier
        return needed, "stem"

    def _with_optional(
        self, needed: tuple[str, ...], optional: Sequence[str], tier: Tier
    ) -> tuple[str, ...]:
        chosen = needed
        for word in self.words:
            if word in optional and self.together((*chosen, word), tier):
                chosen = (*chosen, word)
        return chosen
