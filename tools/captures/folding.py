"""A page that repeats a log, folded: each kind of line once, with how often it occurs."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

from tools.captures.page import Page
from tools.captures.passages import Passage
from tools.captures.words import own_score
from tools.logs.templates import Masker, merge

DIGITS = re.compile(r"[1-9]\d*")

_MOST = 200
_MOST_LINES = 10_000
_FEW = 3
_MAX_COMPARED = 50
_ALIKE = 0.75
_REPEAT_FACTOR = 0.7


def folded(page: Page, places: Sequence[int]) -> list[Passage]:
    """The kinds of lines at `places` (of the last _MOST_LINES of them), the most telling first."""
    masker = Masker()
    places = places[-_MOST_LINES:]
    kinds: defaultdict[str, list[int]] = defaultdict(list)
    for place in places:
        # The masker remembers words, and figures make each word a new one.
        kinds[masker.mask(DIGITS.sub("1", page.lines[place]))].append(place)
    templates = list(kinds)
    groups = {
        template: sorted(row for member in members for row in kinds[templates[member]])
        for template, members in merge(templates)
    }
    among = len(page.lines) if len(places) < _MOST_LINES else _MOST_LINES
    passages = [_fold(page, rows, template, among) for template, rows in _absorbed(groups).items()]
    telling = [passage for passage in passages if passage.score > 0]
    return _varied(sorted(telling, key=lambda passage: passage.rank)[:_MOST])


def _varied(passages: Sequence[Passage]) -> list[Passage]:
    """Lower what says nearly the same as a stronger passage: one error of many services is one."""
    said: list[frozenset[str]] = []
    varied: list[Passage] = []
    for passage in passages:
        words = frozenset(passage.group.split(" "))
        is_repeat = any(len(words & other) >= _ALIKE * len(words | other) for other in said)
        varied.append(passage.scored(passage.score * _REPEAT_FACTOR) if is_repeat else passage)
        if not is_repeat:
            said.append(words)
    return varied


def _absorbed(groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Rare kinds joined to a frequent one that they differ from only where it has a mark.

    An id that happens to hold no digit looks like a word.
    """
    large: defaultdict[int, list[str]] = defaultdict(list)
    for template, rows in groups.items():
        if len(rows) > _FEW:
            large[len(template.split(" "))].append(template)
    result: dict[str, list[int]] = {}
    for template, rows in groups.items():
        home = template
        if len(rows) <= _FEW:
            like = large[len(template.split(" "))][:_MAX_COMPARED]
            home = next((other for other in like if _differs_in_marks(other, template)), template)
        result[home] = sorted([*result.get(home, []), *rows])
    return result


def _differs_in_marks(template: str, other: str) -> bool:
    pairs = zip(template.split(" "), other.split(" "), strict=True)
    return all(mine == theirs or "<" in mine for mine, theirs in pairs)


def _fold(page: Page, rows: Sequence[int], template: str, among: int) -> Passage:
    score = own_score(page.lines[rows[0]])
    if score:
        score += min(0.12, 0.04 * math.log10(len(rows)))
    last = "the last " if among < len(page.lines) else ""
    note = f"{len(rows):,} of {last}{among:,} lines are like it" if len(rows) > 1 else ""
    return Passage(page, rows[0], rows[0] + 1, score, note, template)
