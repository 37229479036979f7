"""reStructuredText's blocks: underlined headings, and paragraphs between them.

Only what decides where a passage begins and ends is recognised. Directives, grid tables and literal
blocks are indented or unbroken, and so stay whole without being understood; comments and anchors
say nothing to a reader, and are blanked out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from knowledge.blocks import Block, line_starts, paragraph_starts
from knowledge.documents import Document
from knowledge.formats.groups import steps_together
from knowledge.formats.properties import properties_of

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*\s*$")
_ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`")
_TABLE_BORDER = re.compile(r"=+(?: +=+)+\s*$")
_EXPLICIT = re.compile(r"\.\.(?:\s|$)")
# What an explicit block is when it is no comment: a link's target, a footnote, a substitution, a
# directive. A target without an address is an anchor.
_NO_COMMENT = re.compile(
    r"\.\.\s+(?:_\S.*:\s+\S|__\s|\[[^\]]+\](?:\s|$)|\|[^|]+\|\s|[\w:.+-]+ ?::)"
)
_FIELD = re.compile(r":(\w[\w -]*):(?:\s+(.*))?$")


@dataclass(frozen=True, slots=True)
class _Heading:
    """Lines `first` to `last` (not included) of a title; `style` is what its level goes by."""

    first: int
    last: int
    style: str
    title: str


def parse(text: str, path: PurePath) -> list[Document]:
    """The one document of a reStructuredText file."""
    lines = text.split("\n")
    own = properties_of(_top_fields(lines))
    body = "\n".join(_without_comments(lines))
    return [
        Document(
            body,
            tuple(rst_blocks(body)),
            title=own.title,
            kind=own.kind,
            services=own.services,
            dated_utc=own.dated_utc,
        )
    ]


def _without_comments(lines: list[str]) -> Iterator[str]:
    """The lines, with as many spaces for those of comments and anchors."""
    may_begin, is_comment = True, False
    for previous, line in pairwise(["", *lines]):
        if not line.strip():
            may_begin = True
            # Two dots alone comment out what is directly below them, and nothing else.
            is_comment = is_comment and previous.rstrip() != ".."
        elif not line[0].isspace():
            is_explicit = may_begin and _EXPLICIT.match(line) is not None
            is_comment = is_explicit and not _NO_COMMENT.match(line)
            may_begin = is_explicit  # else the next line goes on with a paragraph
        yield " " * len(line) if is_comment else line


def _top_fields(lines: list[str]) -> dict[str, object]:
    """The fields listed before the first paragraph, above the title or below it."""
    fields: dict[str, list[str]] = {}
    name = ""
    titles = {number for title in _headings(lines) for number in range(title.first, title.last)}
    for number, line in enumerate(lines):
        field = _FIELD.match(line)
        if field is not None:
            name = field.group(1)
            fields[name] = [field.group(2) or ""]
        elif name and line.strip() and line[0].isspace():
            fields[name].append(line.strip())
        elif line.strip() and number not in titles and not _EXPLICIT.match(line):
            break
    return {name: " ".join(values) for name, values in fields.items()}


def rst_blocks(text: str) -> list[Block]:
    """The headings, paragraphs, tables and list items of a reStructuredText document.

    Numbered steps are parts of one block.
    """
    lines, starts = text.split("\n"), line_starts(text)
    tables = list(_simple_tables(lines))
    in_tables = {number for first, last in tables for number in range(first, last)}
    headings = {one.first: one for one in _headings(lines) if one.first not in in_tables}
    solid = sorted([*tables, *((one.first, one.last) for one in headings.values())])
    levels: dict[str, int] = {}  # a style's level is the order in which it first appears
    blocks = []
    for first, last in pairwise([*_first_lines(lines, solid), len(lines)]):
        heading = headings.get(first)
        level = levels.setdefault(heading.style, len(levels) + 1) if heading else 0
        title = heading.title if heading else ""
        blocks.append(Block(starts[first], starts[last], level, title))
    return steps_together(text, blocks)


def _first_lines(lines: list[str], solid: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Where blocks begin: at headings and tables, and at the paragraphs between them."""
    line = 0
    for first, last in solid:
        yield from paragraph_starts(lines, line, first)
        yield first
        line = last
    yield from paragraph_starts(lines, line, len(lines))


def _simple_tables(lines: list[str]) -> Iterator[tuple[int, int]]:
    """First and last line (not included) of each table between `===  ===` borders.

    Its rows may have blank lines between them, which would tear it.
    """
    number = 0
    while number < len(lines):
        last = _table_end(lines, number) if _TABLE_BORDER.match(lines[number]) else None
        if last is not None:
            yield number, last
        number = last or number + 1


def _table_end(lines: list[str], first: int) -> int | None:
    """Two borders below the first one, or one with nothing directly below it, end a table."""
    borders = 0
    for number in range(first + 1, len(lines)):
        if _TABLE_BORDER.match(lines[number]):
            borders += 1
            is_below_blank = number + 1 == len(lines) or not lines[number + 1].strip()
            if borders == 2 or is_below_blank:
                return number + 1
    return None


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
