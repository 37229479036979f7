"""The text of a log as one column, and the shape of each of its lines."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tools.logs.reader import MAX_LINE_CHARS, BlockStream, LogLine, TextBlock, cut_note

Rows = npt.NDArray[np.int64]
"""Row numbers: the lines of a source counted from 0."""

RUN_GOES_ON = r"[.:,/-](?:[a-f]{4}-)?[a-f]*[0-9][0-9A-Za-z_]*"
RUN = rf"[a-f]*[0-9][0-9A-Za-z_]*(?:{RUN_GOES_ON})*"
"""A part of a line that does not belong to its shape: a number, an address, an id, a clock.

The letters before a first digit are those of hexadecimal numbers, which begin with any of them; and
now and then one of the four-digit groups of a UUID has nothing but letters.
"""

_COLOUR = r"\x1b\[[0-9;?]*[ -/]*[@-~]"
_PIECE_CHARS = 1 << 20
NUM_WORKERS = min(4, os.cpu_count() or 1)


@dataclass(slots=True)
class LineColumn:
    """The lines of one source, oldest first; empty lines are lines, too.

    `shapes[row]` numbers the shape of a line in the order of their first appearance, and
    `shape_rows[shape]` is the first line that has it. `plain` is the text without colours,
    `verbatim` with them; both are without line ends and cut to MAX_LINE_CHARS. `is_sample[row]`:
    the line was read as a sample of what is too much to be read.
    """

    verbatim: pl.Series
    plain: pl.Series
    shapes: npt.NDArray[np.int32]
    shape_rows: Rows
    is_sample: npt.NDArray[np.bool_]
    notes: tuple[str, ...]
    size_bytes: int
    places: Sequence[_Place]
    cut_rows: frozenset[int]

    def __len__(self) -> int:
        return len(self.shapes)

    def texts(self, rows: Rows | Sequence[int]) -> list[str]:
        """The plain text of some lines."""
        return list(self.column(rows))

    def column(self, rows: Rows | Sequence[int]) -> pl.Series:
        """The plain text of some lines as a column."""
        return self.plain.gather(pl.Series(rows, dtype=pl.UInt32))

    def lines(self, rows: Rows | Sequence[int]) -> list[LogLine]:
        """Some lines, verbatim."""
        texts = self.verbatim.gather(pl.Series(rows, dtype=pl.UInt32))
        return [self._line(int(row), text) for row, text in zip(rows, texts, strict=True)]

    def _line(self, row: int, text: str) -> LogLine:
        place = self.places[bisect_right(self.places, row, key=lambda place: place.row) - 1]
        number = place.number + row - place.row
        return LogLine(place.path, number, text, row in self.cut_rows)


class _Place(NamedTuple):
    """Where consecutive lines of one file begin: at `row`, which is line `number` of `path`."""

    row: int
    path: Path
    number: int


def read_column(stream: BlockStream, progress: Callable[[int], None]) -> LineColumn:
    """All lines of `stream`; `progress` is called with the number of lines read so far.

    Whatever `progress` raises ends the reading. Raises SourceNotFound or SourceUnreadable.
    """
    builder = _Builder()
    with ThreadPoolExecutor(NUM_WORKERS) as pool:
        pending: deque[Future[_Piece]] = deque()
        for block in _joined(stream):
            pending.append(pool.submit(_Piece.of, block))
            # No more than the workers need is in memory twice.
            if len(pending) > NUM_WORKERS:
                builder.add(pending.popleft().result())
                progress(builder.num_rows)
        while pending:
            builder.add(pending.popleft().result())
            progress(builder.num_rows)
    return builder.column(stream)


def _joined(stream: Iterable[TextBlock]) -> Iterator[TextBlock]:
    """Blocks that continue each other as larger ones."""
    texts: list[str] = []
    start: TextBlock | None = None
    number = size = 0
    for block in stream:
        is_next = start is not None and block.path == start.path and block.number == number
        if start is not None and (not is_next or size >= _PIECE_CHARS):
            yield start._replace(text="\n".join(texts))
            texts, start, size = [], None, 0
        start = start or block
        texts.append(block.text)
        size += len(block.text)
        number = block.number + block.text.count("\n") + 1
    if start is not None:
        yield start._replace(text="\n".join(texts))


@dataclass(frozen=True, slots=True)
class _Piece:
    """The lines of one block, and their shapes: `shapes[row]` is a place in `hashes`."""

    block: TextBlock
    verbatim: pl.Series
    plain: pl.Series
    is_cut: npt.NDArray[np.bool_] | None
    hashes: list[int]
    first_rows: Rows
    shapes: npt.NDArray[np.intp]

    @classmethod
    def of(cls, block: TextBlock) -> _Piece:
        lines = pl.Series([block.text]).str.split("\n").explode()
        lines, is_cut = _cut(lines)
        if "\r" in block.text:
            lines = lines.str.strip_suffix("\r")
        plain = lines.str.replace_all(_COLOUR, "") if "\x1b" in block.text else lines
        hashes = plain.str.replace_all(RUN, "0").hash().to_numpy()
        unique, first_rows, shapes = np.unique(hashes, return_index=True, return_inverse=True)
        # The text is in the columns now.
        block = block._replace(text="")
        return cls(block, lines, plain, is_cut, unique.tolist(), first_rows, shapes)


def _cut(lines: pl.Series) -> tuple[pl.Series, npt.NDArray[np.bool_] | None]:
    longest = lines.str.len_bytes().max()
    if not isinstance(longest, int) or longest <= MAX_LINE_CHARS:
        return lines, None
    is_cut = (lines.str.len_chars() > MAX_LINE_CHARS).to_numpy()
    return lines.str.slice(0, MAX_LINE_CHARS), is_cut


@dataclass(slots=True)
class _Builder:
    """Joins the pieces; shapes that several of them have get one number."""

    num_rows: int = 0
    verbatim: list[pl.Series] = field(default_factory=list)
    plain: list[pl.Series] = field(default_factory=list)
    shapes: list[npt.NDArray[np.int32]] = field(default_factory=list)
    samples: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)
    shape_rows: list[int] = field(default_factory=list)
    places: list[_Place] = field(default_factory=list)
    cut_rows: list[int] = field(default_factory=list)
    cut_counts: dict[Path, int] = field(default_factory=dict)

    def add(self, piece: _Piece) -> None:
        """Append the lines of the next piece."""
        length = len(piece.plain)
        self.places.append(_Place(self.num_rows, piece.block.path, piece.block.number))
        self.shapes.append(self._numbered(piece)[piece.shapes])
        self.samples.append(np.full(length, piece.block.is_sample))
        self.verbatim.append(piece.verbatim)
        self.plain.append(piece.plain)
        if piece.is_cut is not None:
            rows = np.flatnonzero(piece.is_cut) + self.num_rows
            self.cut_rows.extend(rows.tolist())
            path = piece.block.path
            self.cut_counts[path] = self.cut_counts.get(path, 0) + len(rows)
        self.num_rows += length

    def _numbered(self, piece: _Piece) -> npt.NDArray[np.int32]:
        numbers = np.empty(len(piece.hashes), np.int32)
        for place in np.argsort(piece.first_rows).tolist():
            shape = self.known.setdefault(piece.hashes[place], len(self.known))
            if shape == len(self.shape_rows):
                self.shape_rows.append(self.num_rows + int(piece.first_rows[place]))
            numbers[place] = shape
        return numbers

    def column(self, stream: BlockStream) -> LineColumn:
        """All that was added; `stream` must have ended."""
        cut_notes = (cut_note(path, count) for path, count in self.cut_counts.items())
        return LineColumn(
            _concat(self.verbatim),
            _concat(self.plain),
            np.concatenate([*self.shapes, np.empty(0, np.int32)]),
            np.array(self.shape_rows, np.int64),
            np.concatenate([*self.samples, np.empty(0, np.bool_)]),
            (*stream.notes, *cut_notes),
            stream.size_bytes,
            self.places,
            frozenset(self.cut_rows),
        )


def _concat(parts: list[pl.Series]) -> pl.Series:
    return pl.concat(parts) if parts else pl.Series(dtype=pl.String)
