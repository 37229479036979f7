"""`Chunk`: a passage that is found and shown as one, and how a document is divided into them.

A chunk never reaches beyond its section, and is cut inside a code block, a table or a numbered step
only when that alone is too large. Sizes are in characters: about what the embedding model reads of
a text, and what a small chat model can be shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from knowledge.blocks import Block, line_starts
from knowledge.documents import Document

TARGET_CHARS = 900
MAX_CHARS = 1_500
_SCRAP_CHARS = 200  # too little to stand alone

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
# Where a block that is too large is cut, best first.
_CUTS = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"[.!?]\s", r"\s")))


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text` stands verbatim in the document, from `line` (1-based) on, under `heading` (`A > B`).

    Lines are the file's. `ordinal` counts the chunks of a document from 0.
    """

    ordinal: int
    heading: str
    line: int
    text: str

    @property
    def embedded_text(self) -> str:
        """What the vector is made of: the text and where it stands."""
        return f"{self.heading}\n{self.text}"


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int

    def to(self, other: _Span) -> _Span:
        return _Span(self.start, other.end)

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Section:
    """What stands under a heading, down to the next heading of any level."""

    heading: str
    blocks: tuple[Block, ...]


def split(document: Document, path: PurePath) -> list[Chunk]:
    """The chunks of a document in reading order; none when it has nothing but headings.

    `path` names a document that has no title of its own.
    """
    text, blocks = document.text, document.blocks
    has_title = bool(document.title) or (bool(blocks) and blocks[0].level == 1)
    sections = _sections(blocks, document.title if has_title else path.stem)
    passages = [(part.heading, span) for part in sections for span in _pack(text, part.blocks)]
    starts = line_starts(text)
    lines_above = document.first_line - 1
    return [
        Chunk(
            ordinal,
            heading,
            lines_above + bisect_right(starts, span.start),
            text[span.start : span.end],
        )
        for ordinal, (heading, span) in enumerate(passages)
    ]


def _sections(blocks: Iterable[Block], title: str) -> Iterator[_Section]:
    trail = [(0, title)] if title else []
    body: list[Block] = []
    for block in blocks:
        if not block.level:
            body.append(block)
            continue
        yield _Section(_breadcrumb(trail), tuple(body))
        above = [(level, words) for level, words in trail if level < block.level]
        # A heading that repeats the title, or the one above it, says nothing new.
        is_repeated = any(words == block.title for _, words in above)
        trail = above if is_repeated else [*above, (block.level, block.title)]
        body = []
    yield _Section(_breadcrumb(trail), tuple(body))


def _breadcrumb(trail: Iterable[tuple[int, str]]) -> str:
    return " > ".join(words for _, words in trail if words)


def _pack(text: str, blocks: Iterable[Block]) -> list[_Span]:
    """Join blocks to chunks: first what introduces something with that, then up to the target."""
    pieces = [piece for block in blocks for piece in _pieces(text, block)]
    introduced = _joined(pieces, lambda a, b: text[a.end - 1] == ":" and len(a.to(b)) <= MAX_CHARS)
    return _joined(introduced, _belong_together)


def _belong_together(span: _Span, following: _Span) -> bool:
    is_scrap = min(len(span), len(following)) < _SCRAP_CHARS
    return len(span.to(following)) <= (MAX_CHARS if is_scrap else TARGET_CHARS)


def _joined(spans: Iterable[_Span], may_join: Callable[[_Span, _Span], bool]) -> list[_Span]:
    joined: list[_Span] = []
    for span in spans:
        if joined and may_join(joined[-1], span):
            joined[-1] = joined[-1].to(span)
        else:
            joined.append(span)
    return joined


def _pieces(text: str, block: Block) -> Iterator[_Span]:
    """The block, or as many parts of it as the maximum asks for, without blank lines around."""
    span = _trimmed(text, _Span(block.start, block.end))
    if len(span) > MAX_CHARS and block.parts:
        for part in block.parts:
            yield from _pieces(text, part)
    else:
        yield from (piece for piece in _cut(text, span) if len(piece) > 0)


def _cut(text: str, span: _Span) -> Iterator[_Span]:
    while len(span) > MAX_CHARS:
        at = _cut_at(text, span.start)
        yield _trimmed(text, _Span(span.start, at))
        span = _Span(at, span.end)
    yield _trimmed(text, span)


def _cut_at(text: str, start: int) -> int:
    """The last good place to end a piece that begins at `start`, half the target to the target."""
    earliest, latest = start + TARGET_CHARS // 2, start + TARGET_CHARS
    for pattern in _CUTS:
        places = [match.end() for match in pattern.finditer(text, earliest, latest)]
        if places:
            return places[-1]
    return latest


def _trimmed(text: str, span: _Span) -> _Span:
    """The span without blank lines before and white space after it; indentation stays."""
    blank = _BLANK_LINES.match(text, span.start, span.end)
    start = blank.end() if blank else span.start
    return _Span(start, start + len(text[start : span.end].rstrip()))
