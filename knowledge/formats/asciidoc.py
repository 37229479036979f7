"""AsciiDoc's blocks: sections, delimited blocks, lists and paragraphs.

Only what decides where a passage begins and ends is recognised, after what the reader never sees
(comments, attribute entries, conditions) is blanked out. Includes are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import PurePath

from knowledge.blocks import Block, line_starts
from knowledge.documents import Document
from knowledge.formats.groups import grouped
from knowledge.formats.properties import properties_of

_DELIMITER = re.compile(r"(?:([-.=*_+/])\1{3,}|--|[|,:!]={3,}|```.*)$")
_VERBATIM = ("----", "....", "++++", "```", "////")
_COMPOUND = ("====", "****", "____")
_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?$")
_UNDERLINE = re.compile(r"([-=~^+])\1{2,}$")
_UNDERLINES = "=-~^+"  # the place is the level
# `[source,bash]`, `[[anchor]]` and `.Title` belong to the block below them.
_BLOCK_LINE = re.compile(r"\[(?:|[^\s\[\]].*|\[[^\[\]]+\])\]$|\.[^\s.].*$")
_ITEM = re.compile(
    r"\s*(?:(\.{1,5}|\*{1,5}|-)|(\d{1,3})\.|([a-zA-Z])\.|([ivx]+)\)|<(?:\d+|\.)>)\s+\S"
)
_ITEM_KINDS = ("<1>", ".", "1.", "a.", "i)")  # by group; of the first group, the mark itself
_STEP_KINDS = (".", "1", "a", "i")
_TERM = re.compile(r"\s*\S.*?(:{2,4}|;;)(\s|$)")
_ATTRIBUTE = re.compile(r":!?(\w[\w-]*)!?:(?:[ \t]+(.*))?$")
_COMMENT = re.compile(r"//(?!/)")
_CONDITION = re.compile(r"(?:ifn?def::\S+\[\]|ifeval::\[.*\]|endif::\S*\[.*\])$")
_REVISION = re.compile(r"(?:v?\d[\w.]*,\s*)?(\d{4}-\d{2}-\d{2})\b")

_REFERENCE = re.compile(r"\{(\w[\w-]*)\}")
_CROSS_REFERENCE = re.compile(r"<<[^<>,]*,([^<>]*)>>")
_LINK = re.compile(r"\b(?:link|xref|https?|mailto):[^\s\[\]]*\[([^\[\]]*)\]")
_EMPHASIS = re.compile(r"[`*]|(?<!\w)_+|_+(?!\w)")
_ANCHOR = re.compile(r"\[\[[^\[\]]*\]\]|\[#[^\[\]]*\]")

_MAX_DEPTH = 3  # of blocks within blocks that can be divided


def parse(text: str, path: PurePath) -> list[Document]:
    """The one document of an AsciiDoc file."""
    lines, attributes = _visible(text.split("\n"))
    body = "\n".join(lines)
    own = properties_of(attributes, _revision(lines))
    return [
        Document(
            body,
            tuple(asciidoc_blocks(body, attributes)),
            title=own.title,
            kind=own.kind,
            services=own.services,
            dated_utc=own.dated_utc,
        )
    ]


def asciidoc_blocks(text: str, attributes: Mapping[str, str]) -> list[Block]:
    """The blocks of a text without comments; steps are parts of one block, list items are blocks.

    `attributes` are those that headings may refer to.
    """
    return _Parser(text, attributes).blocks()


def _visible(lines: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The lines, with spaces for what no reader sees, and the attributes that they define."""
    source = _Lines(lines)
    shown: list[str] = []
    attributes: dict[str, str] = {}
    while len(shown) < len(lines):
        number = len(shown)
        line = source[number]
        end = source.block_end(number, len(lines)) if line.startswith(_VERBATIM) else None
        found = lines[number : end or number + 1]
        attribute = None if end else _ATTRIBUTE.match(line)
        if attribute is not None:
            attributes[attribute.group(1)] = attribute.group(2) or ""
        is_hidden = attribute is not None or _is_hidden(line, is_block=end is not None)
        shown += [" " * len(hidden) for hidden in found] if is_hidden else found
    return shown, attributes


def _is_hidden(line: str, is_block: bool) -> bool:
    if is_block:
        return line.startswith("////")
    return _COMMENT.match(line) is not None or _CONDITION.match(line) is not None


def _revision(lines: Sequence[str]) -> dict[str, str]:
    """The date in the revision line, which stands first or second below the title."""
    title = next((number for number, line in enumerate(lines) if line.strip()), 0)
    below = lines[title + 1 : title + 3] if lines[title].startswith("= ") else ()
    dates = [revision.group(1) for line in below if (revision := _REVISION.match(line))]
    return {"revdate": dates[0]} if dates else {}


class _Lines:
    """The lines of a document without white space at their ends, which AsciiDoc overlooks."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [line.rstrip() for line in lines]
        self._last = {line: number for number, line in enumerate(self._lines)}

    def __getitem__(self, number: int) -> str:
        return self._lines[number]

    def __len__(self) -> int:
        return len(self._lines)

    def block_end(self, number: int, last: int) -> int | None:
        """The line after the delimited block that begins at `number`; None when none does.

        One that is not closed before the line `last` is none: it would take in all that follows.
        """
        line = self._lines[number]
        mark = "```" if line.startswith("```") else line
        if not _DELIMITER.match(line) or self._last.get(mark, 0) <= number:
            return None
        end = self._lines.index(mark, number + 1) + 1
        return end if end <= last else None

    def next_text(self, number: int, last: int) -> int:
        """The first line from `number` on that is not blank, or `last`."""
        return next((n for n in range(number, last) if self._lines[n]), last)


@dataclass(frozen=True, slots=True)
class _Part:
    """A block as it is found: lines `first` to `last` (not included), with what can be divided.

    `cuts` are lines where it may be, `inner` the lines within the delimiters of a compound block.
    """

    first: int
    last: int
    level: int = 0
    title: str = ""
    cuts: tuple[int, ...] = ()
    inner: tuple[int, int] | None = None
    is_step: bool = False


class _Parser:
    """Finds the blocks of a text, line by line."""

    def __init__(self, text: str, attributes: Mapping[str, str]) -> None:
        self._lines = _Lines(text.split("\n"))
        self._starts = line_starts(text)
        self._attributes = attributes

    def blocks(self) -> list[Block]:
        """The blocks from the first line that is not blank to the end of the text."""
        last = len(self._lines)
        return self._blocks(0, last, self._lines.next_text(0, last), last)

    def _blocks(self, first: int, last: int, start: int, end: int, depth: int = 1) -> list[Block]:
        """The blocks in lines `first` to `last`, stretched to cover the lines `start` to `end`."""
        parts = list(self._parts(first, last, depth))
        inner = [part.first for part in parts[1:]]
        edges = zip([start, *inner], [*inner, end], strict=True) if parts else ()
        blocks = [self._block(part, *edge, depth) for part, edge in zip(parts, edges, strict=True)]
        return grouped(blocks, _step_runs(parts))

    def _block(self, part: _Part, start: int, end: int, depth: int) -> Block:
        pieces: list[Block] = []
        if part.inner is not None and depth < _MAX_DEPTH:
            pieces = self._blocks(*part.inner, start, end, depth + 1)
        elif part.cuts:
            edges = pairwise([start, *part.cuts, end])
            pieces = [Block(self._starts[first], self._starts[last]) for first, last in edges]
        span = self._starts[start], self._starts[end]
        return Block(*span, level=part.level, title=part.title, parts=tuple(pieces))

    def _parts(self, first: int, last: int, depth: int) -> Iterator[_Part]:
        number = self._lines.next_text(first, last)
        while number < last:
            for part in self._read(number, last, depth):
                yield part
                number = part.last
            number = self._lines.next_text(number, last)

    def _read(self, first: int, last: int, depth: int) -> list[_Part]:
        """What begins at line `first`: one block, or all items of a list."""
        number = self._below_block_lines(first, last)
        if number == last:
            return [_Part(first, last)]
        if depth == 1 and (heading := self._heading(first, number, last)):
            return [heading]
        end = self._lines.block_end(number, last)
        if end is not None:
            is_compound = self._lines[number].startswith(_COMPOUND) or self._lines[number] == "--"
            return [_Part(first, end, inner=(number + 1, end - 1) if is_compound else None)]
        if _item_kind(self._lines[number]):
            return self._list(first, number, last)
        return [_Part(first, self._paragraph_end(number, last))]

    def _below_block_lines(self, number: int, last: int) -> int:
        """The line of the block that block lines belong to; blank ones may stand between them."""
        while number < last and _BLOCK_LINE.match(self._lines[number]):
            number = self._lines.next_text(number + 1, last)
        return number

    def _heading(self, first: int, number: int, last: int) -> _Part | None:
        line = self._lines[number]
        heading = _HEADING.match(line)
        if heading is not None:
            title = self._plain(heading.group(2))
            return _Part(first, number + 1, level=len(heading.group(1)), title=title)
        if not self._is_underlined(number, last):
            return None
        level = _UNDERLINES.index(self._lines[number + 1][0]) + 1
        return _Part(first, number + 2, level=level, title=self._plain(line))

    def _is_underlined(self, number: int, last: int) -> bool:
        """Whether a line is a heading of two lines, which a block of code could be mistaken for."""
        if number + 1 >= last or (number + 2 < last and self._lines[number + 2]):
            return False
        title, under = self._lines[number], self._lines[number + 1]
        is_near = abs(len(title) - len(under)) <= 1
        return is_near and title[0].isalnum() and _UNDERLINE.match(under) is not None

    def _paragraph_end(self, number: int, last: int) -> int:
        """Where text ends: at a blank line, or where another block begins below its first line."""
        for below in range(number + 1, last):
            line = self._lines[below]
            is_block_line = line.startswith("[") and _BLOCK_LINE.match(line)
            if not line or is_block_line or self._lines.block_end(below, last):
                return below
        return last

    def _list(self, first: int, number: int, last: int) -> list[_Part]:
        """The items of the kind that line `number` is; other kinds stand within them."""
        kind = _item_kind(self._lines[number])
        *marks, end = self._list_marks(number, last)
        items: list[tuple[int, list[int]]] = [(first, [])]
        for mark in marks:
            if _item_kind(self._lines[mark]) == kind:
                items.append((mark, []))
            else:
                items[-1][1].append(mark)
        ends = [*(item for item, _ in items[1:]), end]
        is_step = kind.startswith(_STEP_KINDS)
        return [
            _Part(item, last, cuts=tuple(cuts), is_step=is_step)
            for (item, cuts), last in zip(items, ends, strict=True)
        ]

    def _list_marks(self, number: int, last: int) -> Iterator[int]:
        """The lines below `number` that begin an item or what is attached to one; then the end."""
        line = number + 1
        while line < last and not _HEADING.match(self._lines[line]):
            text = self._lines[line]
            if not text or text == "+":
                below = self._lines.next_text(line + 1, last)
                if not text and not self._resumes(line - 1, below, last):
                    break
                line = below
                if below < last and (text or not self._is_item_or_plus(below)):
                    yield below
                    line = self._attached_end(below, last)
            else:
                end = self._lines.block_end(line, last)
                if end is not None or _item_kind(text):
                    yield line
                line = end or line + 1
        yield line

    def _resumes(self, above: int, below: int, last: int) -> bool:
        """Whether the list of line `above` goes on at line `below`, after blank lines."""
        if below == last or _HEADING.match(self._lines[below]):
            return False
        term = _TERM.match(self._lines[above])
        has_no_text = term is not None and not term.group(2)
        return has_no_text or self._lines[below][0].isspace() or self._is_item_or_plus(below)

    def _is_item_or_plus(self, number: int) -> bool:
        return self._lines[number] == "+" or bool(_item_kind(self._lines[number]))

    def _attached_end(self, first: int, last: int) -> int:
        """Where the block that begins at line `first` ends, as the part of a list item."""
        number = self._below_block_lines(first, last)
        if number == last:
            return last
        end = self._lines.block_end(number, last)
        if end is not None:
            return end
        ends = range(number + 1, self._paragraph_end(number, last))
        return next((n for n in ends if self._is_item_or_plus(n)), ends.stop)

    def _plain(self, title: str) -> str:
        """The title's words without links, anchors and emphasis, its references resolved."""
        title = _REFERENCE.sub(
            lambda name: self._attributes.get(name.group(1), name.group()), title
        )
        for pattern in (_CROSS_REFERENCE, _LINK):
            title = pattern.sub(r"\1", title)
        return " ".join(_EMPHASIS.sub("", _ANCHOR.sub("", title)).split())


def _item_kind(line: str) -> str:
    """What an item's mark says of its list: `.`, `1.`, `*`, `::`; "" for a line that is no item."""
    item = _ITEM.match(line)
    if item is not None:
        return item.group(1) or _ITEM_KINDS[item.lastindex or 0]
    term = _TERM.match(line)
    return term.group(1) if term is not None else ""


def _step_runs(parts: Sequence[_Part]) -> Iterator[tuple[int, int]]:
    """First and last index of the steps that follow each other."""
    numbered = enumerate(parts)
    for is_step, run in groupby(numbered, key=lambda one: one[1].is_step):
        indices = [index for index, _ in run]
        if is_step:
            yield indices[0], indices[-1]
