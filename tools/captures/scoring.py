"""The passages of a page with their own scores: what forms say, and what words say elsewhere.

A page that repeats a log is folded first: its lines differ in little but their numbers.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from tools.captures.folding import DIGITS, folded
from tools.captures.page import Page
from tools.captures.passages import Passage, joined, with_children
from tools.captures.words import (
    has_digit_state,
    is_empty_value,
    is_fact,
    own_score,
    telling_words,
)

# A page with more telling lines than these repeats itself: it is folded like a log.
_LONG_PAGE_LINES = 1000
_MANY_LINES = 300
_MOST_STATED = 500
_STDERR = re.compile(r"^stderr:\s*$")
_DOCUMENT = re.compile(r"\burl=https?:|\brunbook", re.IGNORECASE)
_HEADINGS = re.compile(
    r"^#{0,4}\s*(?:meaning|impact|diagnosis|mitigation|remediation|troubleshooting|overview|steps"
    r"|next steps|description)\s*#?$",
    re.IGNORECASE,
)
# What stands below it is what might be, or what could be done.
_ADVICE = re.compile(
    r"^\W*(?:(?:possible|common|likely) (?:reasons?|causes?)|try|suggestions?|next steps?|hints?"
    r"|recommendations?|troubleshooting)\b[^:]*:\s*$",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"^(?:ERROR: )?Command `.*` failed with|^(?:ERROR: )?(?:error: )?error from server\b"
    r"|^\w*sh: .*(?:command )?not found$|^System has not been booted",
    re.IGNORECASE,
)
_DOCUMENT_FACTOR = 0.3
_ASIDE_FACTOR = 0.3


class Offsets:
    """Finds the lines of a page in which words occur, without looking at each line."""

    def __init__(self, page: Page) -> None:
        self._text = "\n".join(page.lines).lower()
        # Of the text in lower case: a few letters grow longer by that.
        self._starts = [0, *accumulate(len(line) + 1 for line in self._text.split("\n"))]

    def lines_with(self, words: Iterable[str]) -> set[int]:
        """The positions of the lines that hold one of `words` (lower case)."""
        places: set[int] = set()
        for stem in _stems(words):
            places.update(self.places(stem))
        return places

    def places(self, word: str, most: int = sys.maxsize) -> list[int]:
        """The positions of the lines that hold `word`, each once; of the first `most` of them."""
        text, starts = self._text, self._starts
        found: list[int] = []
        at = text.find(word)
        while at >= 0 and len(found) < most:
            line = bisect_right(starts, at)
            found.append(line - 1)
            at = text.find(word, starts[line])
        return found


def _stems(words: Iterable[str]) -> list[str]:
    """The words that no other of them begins like: `fail` finds `failed`, too."""
    stems: list[str] = []
    for word in sorted(words):
        if not stems or not word.startswith(stems[-1]):
            stems.append(word)
    return stems


def own_passages(page: Page, offsets: Offsets) -> list[Passage]:
    """What the page tells by itself, whatever was asked."""
    worst = sorted((o for o, _ in page.observations), key=lambda o: -o.suspicion)
    stated = [
        Passage(page, o.start, o.end, o.suspicion, o.note, o.group) for o in worst[:_MOST_STATED]
    ]
    words = telling_words(page.vocabulary, is_log=page.is_log)
    candidates = offsets.lines_with(words) - page.understood
    if not page.is_log:
        candidates |= _with_digits(page)
    places = sorted(candidates)
    is_folded = page.is_log or len(places) > _LONG_PAGE_LINES
    return [*stated, *(folded(page, places) if is_folded else _scored(page, places))]


def _with_digits(page: Page) -> set[int]:
    return {
        place
        for place, line in enumerate(page.lines)
        if place not in page.understood and ("%" in line or "0/" in line) and has_digit_state(line)
    }


def _scored(page: Page, places: Sequence[int]) -> list[Passage]:
    factor = _page_factor(page)
    asides = _asides(page)
    known: dict[str, float] = {}
    passages: list[Passage] = []
    for place in places:
        line = page.lines[place]
        key = _without_figures(line) if len(places) > _MANY_LINES else line
        if key not in known:
            known[key] = own_score(line)
        score = known[key] * factor
        if place in asides:
            score *= _ASIDE_FACTOR
        if score > 0:
            passages.append(_passage(page, place, score))
    return joined(passages)


def _without_figures(line: str) -> str:
    """The line with other figures, unless they may tell something: many lines are then one."""
    return line if "%" in line or "/" in line or "code" in line else DIGITS.sub("1", line)


def _passage(page: Page, place: int, score: float) -> Passage:
    """A line; of a setting without a value of its own, with what stands below it."""
    line = page.lines[place]
    if is_fact(line) and is_empty_value(line):
        return Passage(page, place, with_children(page, place), score)
    return Passage(page, place, place + 1, score)


def _page_factor(page: Page) -> float:
    return _DOCUMENT_FACTOR if is_document(page) else 1.0


def is_document(page: Page) -> bool:
    """Whether the page is prose about a kind of problem: a runbook or a web page."""
    if _DOCUMENT.search(page.capture.command):
        return True
    return sum(bool(_HEADINGS.match(line)) for line in page.lines[:200]) >= 2


def is_failure(page: Page) -> bool:
    """Whether the page is what a command said that failed."""
    if not page.capture.succeeded:
        return True
    if "log" in page.capture.command.lower():
        return False  # what a program logged, it met itself
    filled = [line for line in page.lines[:12] if line.strip()]
    return len(filled) <= 6 and bool(filled) and bool(_FAILED.match(filled[0]))


def _asides(page: Page) -> set[int]:
    """The lines that speak of the command itself or of what might be: its stderr, and advice."""
    places: set[int] = set()
    is_stderr = is_advice = False
    for place, line in enumerate(page.lines):
        is_stderr = is_stderr or bool(_STDERR.match(line))
        is_advice = bool(_ADVICE.match(line)) or (is_advice and bool(line.strip()))
        if is_stderr or is_advice:
            places.add(place)
    return places
