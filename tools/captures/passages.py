"""Passages: lines of a page that belong together, with a score for how much they tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.captures.page import MAX_TEXT_CHARS, Page
from tools.captures.words import trouble_place
from tools.logs.templates import Masker

_JOIN_SCORE = 0.5
_MAX_PASSAGE_LINES = 4
_KEY = re.compile(r"^\W*[\w .-]{1,30}\"?\s*[:=]\s*")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines `start` up to `end` of a page; `note` is what code knows about them.

    `group` names what passages say that say the same.
    """

    page: Page
    start: int
    end: int
    score: float
    note: str = ""
    group: str = ""

    @property
    def number(self) -> int:
        """The 1-based number of its first line in the file."""
        return self.page.numbers[self.start]

    @property
    def text(self) -> str:
        """The passage verbatim; of one long line, the part with the sign of trouble."""
        text = self.page.quote(self.start, self.end)
        if len(text) <= MAX_TEXT_CHARS:
            return text
        if self.note or self.end - self.start > 1:
            return text[:MAX_TEXT_CHARS].strip()
        begin = max(0, trouble_place(text) - MAX_TEXT_CHARS // 2)
        return text[begin : begin + MAX_TEXT_CHARS].strip()

    @property
    def rank(self) -> tuple[float, int]:
        """Sorts the most telling first."""
        return (-self.score, self.number)

    def scored(self, score: float) -> Passage:
        """The same with another score, at most 1."""
        return replace(self, score=min(1.0, score))

    def likeness(self, masker: Masker) -> str:
        """What two passages have in common that say the same: a long value, under whatever key."""
        if self.group:
            return self.group
        value = _KEY.sub("", self.text).strip(" ,\"'")
        return masker.mask(value if len(value) > 20 else self.text)

    @property
    def parents(self) -> list[str]:
        """The less indented lines above: where in the page or the object the passage stands."""
        lines = self.page.lines
        indent = indent_of(lines[self.start])
        parents: list[str] = []
        for line in reversed(lines[: self.start]):
            if line.strip() and indent_of(line) < indent:
                indent = indent_of(line)
                parents.append(line.strip().strip('",{[-').split("  ")[0].strip(' ":{[')[:40])
            if not indent:
                break
        return [parent for parent in reversed(parents) if parent]


def joined(passages: Sequence[Passage]) -> list[Passage]:
    """Telling lines of one page that follow one another at one indentation are one passage."""
    result: list[Passage] = []
    for passage in sorted(passages, key=lambda passage: passage.start):
        last = result[-1] if result else None
        if last is not None and _continues(last, passage):
            result[-1] = replace(last, end=passage.end, score=max(last.score, passage.score))
        else:
            result.append(passage)
    return result


def _continues(last: Passage, passage: Passage) -> bool:
    if min(last.score, passage.score) < _JOIN_SCORE or last.end != passage.start:
        return False
    if last.note or passage.note or passage.end - last.start > _MAX_PASSAGE_LINES:
        return False
    above, below = last.page.lines[passage.start - 1], last.page.lines[passage.start]
    return (
        indent_of(above) == indent_of(below) > 0 and len(above) + len(below) <= MAX_TEXT_CHARS // 2
    )


def with_children(page: Page, start: int, most: int = 4) -> int:
    """The end of a key and the deeper lines below it, at most `most` of them."""
    end = start + 1
    indent = indent_of(page.lines[start])
    while (
        end < len(page.lines)
        and end - start <= most
        and page.lines[end].strip()
        and indent_of(page.lines[end]) > indent
    ):
        end += 1
    return end


def indent_of(text: str) -> int:
    """The number of spaces that `text` begins with."""
    return len(text) - len(text.lstrip())
