"""`Block`: the pieces of a document that should not be torn apart, and how plain text has them.

Markdown and reStructuredText have modules of their own; what becomes of the blocks is
`knowledge.chunks`' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

_LIST_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)]|#\.)\s")


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` of a document: a paragraph, list item, table, code block or heading.

    The blocks of a document follow each other without a gap. `level` is 1 or more for a heading,
    whose words are `title`, and 0 for everything else. A block too large for a chunk may be divided
    between its `parts`.
    """

    start: int
    end: int
    level: int = 0
    title: str = ""
    parts: tuple[Block, ...] = ()


def line_starts(text: str) -> list[int]:
    """The offset of each line of `text`, and after the last one the length of `text`."""
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    starts[-1] = len(text)
    return starts


def plain_blocks(text: str) -> list[Block]:
    """The paragraphs and list items of a text without markup."""
    lines, starts = text.split("\n"), line_starts(text)
    edges = [*paragraph_starts(lines, 0, len(lines)), len(lines)]
    return [Block(starts[first], starts[last]) for first, last in pairwise(edges)]


def paragraph_starts(lines: Sequence[str], first: int, last: int) -> Iterator[int]:
    """Which of the lines `first` to `last` (not included) begin a paragraph or a list item.

    An indented line goes on with what stands above it, as the text of a list item or an indented
    block of code does.
    """
    is_first, is_after_blank = True, True
    for number in range(first, last):
        line = lines[number]
        if line.strip():
            is_start = is_first or (not line[0].isspace() and (is_after_blank or _is_item(line)))
            if is_start:
                yield number
            is_first = False
        is_after_blank = not line.strip()


def _is_item(line: str) -> bool:
    return _LIST_ITEM.match(line) is not None
