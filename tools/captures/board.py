"""The passages of all pages while they are weighed against each other and against the question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from tools.captures.page import Page
from tools.captures.passages import Passage, with_children
from tools.captures.scoring import Offsets, own_passages
from tools.captures.words import is_empty_value, is_fact

_LONG_PAGE_LINES = 300
# A word that so many lines of a page share tells none of them from the others.
_COMMON_LINES = 100
_LETTERS = re.compile(r"[^\W\d_]+")


class Board:
    """The passages of `pages`, and at which positions they stand."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._offsets = [Offsets(page) for page in pages]
        self._words = [" ".join(page.vocabulary) for page in pages]
        self._at: list[dict[int, int]] = []
        self.pages = pages
        self.passages: list[list[Passage]] = []
        for page, offsets in zip(pages, self._offsets, strict=True):
            own = own_passages(page, offsets)
            self.passages.append(own)
            self._at.append(
                {place: n for n, p in enumerate(own) for place in range(p.start, p.end)}
            )

    def __iter__(self) -> Iterator[Passage]:
        return (passage for own in self.passages for passage in own)

    def weigh(self, number: int, factors: Iterable[float]) -> None:
        """Multiply the scores of one page's passages."""
        pairs = zip(self.passages[number], factors, strict=True)
        self.passages[number] = [
            passage if factor == 1 else passage.scored(passage.score * factor)
            for passage, factor in pairs
        ]

    def leads(self, least: float, most: int) -> list[Passage]:
        """The strongest passages."""
        strong = [passage for passage in self if passage.score >= least]
        return sorted(strong, key=lambda passage: passage.rank)[:most]

    def raise_shared(
        self, words: Sequence[str], most: float, but: Collection[Passage] = ()
    ) -> None:
        """Raise what shares `words` (lower case) by up to `most`, for rare words most.

        The passages in `but` stay as they are: the words are theirs.
        """
        found = [self._shared(number, words) for number in range(len(self.pages))]
        counts = Counter(word for page in found for shared in page.values() for word in shared)
        own = set(map(id, but))
        for number, page in enumerate(found):
            bonuses: dict[int, float] = {}
            for place, shared in page.items():
                rare = sorted((1 / (1 + math.log2(counts[word])) for word in shared), reverse=True)
                start, bonus = self._bonus(number, place, shared, min(1.0, sum(rare[:3])))
                bonuses[start] = max(bonuses.get(start, 0.0), most * bonus)
            for start, bonus in bonuses.items():
                passage = self._passage(number, start)
                if bonus and id(passage) not in own:
                    score = passage.score + bonus * (1 - passage.score)
                    self._put(number, start, passage.scored(score))

    def _shared(self, number: int, words: Sequence[str]) -> dict[int, set[str]]:
        page, known = self.pages[number], self._words[number]
        is_long = len(page.lines) > _LONG_PAGE_LINES or page.is_log
        shared: dict[int, set[str]] = {}
        for word in words:
            if not all(part in known for part in _LETTERS.findall(word)):
                continue
            places = self._offsets[number].places(word, _COMMON_LINES)
            if len(places) == _COMMON_LINES:
                continue
            for place in places:
                if place in self._at[number] or not is_long:
                    shared.setdefault(place, set()).add(word)
        return shared

    def _bonus(self, number: int, place: int, shared: set[str], weight: float) -> tuple[int, float]:
        """The start of the passage at `place`, and the weight of the words that it shares."""
        page = self.pages[number]
        line = page.lines[place]
        is_setting = is_fact(line)
        if is_empty_value(line) and not (is_setting and with_children(page, place) > place + 1):
            return place, 0.0
        # A setting that the words name is what they are about, however often they occur.
        key = line.lower().partition(":")[0]
        is_named = is_setting and any(word in key for word in shared)
        return self._passage(number, place).start, 1.0 if is_named else weight

    def explain(self, number: int, place: int, note: str, score: float) -> None:
        """The setting at `place` of a page matters, as `note` says: raise it to `score`."""
        passage = self._passage(number, place)
        if passage.start == place and score > passage.score and not passage.note:
            raised = Passage(passage.page, place, passage.end, min(1.0, score), note)
            self._put(number, place, raised)

    def _passage(self, number: int, place: int) -> Passage:
        """The passage at `place` of a page, a new one of score 0 where there is none."""
        page, own, at = self.pages[number], self.passages[number], self._at[number]
        if place not in at:
            is_block = is_fact(page.lines[place]) and is_empty_value(page.lines[place])
            end = with_children(page, place) if is_block else place + 1
            at.update(dict.fromkeys(range(place, end), len(own)))
            own.append(Passage(page, place, end, 0.0))
        return own[at[place]]

    def _put(self, number: int, place: int, passage: Passage) -> None:
        self.passages[number][self._at[number][place]] = passage
