"""reStructuredText's blocks: underlined headings, and paragraphs between them.

Only what decides where a passage begins and ends is recognised; directives, tables and literal
blocks are indented or unbroken, and so stay whole without being understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from knowledge.blocks import Block, line_starts, paragraph_starts

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*\s*$")
_ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`")


@dataclass(frozen=True, slots=True)
class _Heading:
    """Lines `first` to `last` (not included) of a title; `style` is what its level goes by."""

    first: int
    last: int
    style: str
    title: str


def rst_blocks(text: str) -> list[Block]:
    """The headings, paragraphs and list items of a reStructuredText document."""
    lines, starts = text.split("\n"), line_starts(text)
    headings = {heading.first: heading for heading in _headings(lines)}
    levels: dict[str, int] = {}  # a style's level is the order in which it first appears
    blocks = []
    for first, last in pairwise([*_first_lines(lines, headings.values()), len(lines)]):
        heading = headings.get(first)
        level = levels.setdefault(heading.style, len(levels) + 1) if heading else 0
        title = heading.title if heading else ""
        blocks.append(Block(starts[first], starts[last], level, title))
    return blocks


def _first_lines(lines: list[str], headings: Iterable[_Heading]) -> Iterator[int]:
    """Where blocks begin: at headings, and at the paragraphs between them."""
    line = 0
    for heading in headings:
        yield from paragraph_starts(lines, line, heading.first)
        yield heading.first
        line = heading.last
    yield from paragraph_starts(lines, line, len(lines))


def _headings(lines: list[str]) -> Iterator[_Heading]:
    number = 0
    while number < len(lines):
        heading = _overlined(lines, number) or _underlined(lines, number)
        if heading is not None:
            yield heading
        number = heading.last if heading else number + 1


def _overlined(lines: list[str], number: int) -> _Heading | None:
    if number + 2 >= len(lines):
        return None
    over, title, under = (line.rstrip() for line in lines[number : number + 3])
    if over != under or not _is_adornment(over, title.strip()):
        return None
    return _Heading(number, number + 3, over[0] * 2, _plain(title))


def _underlined(lines: list[str], number: int) -> _Heading | None:
    if number + 1 >= len(lines) or (number > 0 and lines[number - 1].strip()):
        return None
    title, under = lines[number].rstrip(), lines[number + 1].rstrip()
    if title[:1].isspace() or not _is_adornment(under, title):
        return None
    return _Heading(number, number + 2, under[0], _plain(title))


def _is_adornment(line: str, title: str) -> bool:
    """Whether `line` marks `title` as a heading; docutils forgives a line that is too short."""
    return bool(title and _ADORNMENT.match(line)) and len(line) >= min(len(title), 4)


def _plain(title: str) -> str:
    return _ROLE.sub(r"\1", title).replace("`", "").replace("*", "").strip()
