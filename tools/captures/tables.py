"""Tables of text: rows under a header whose columns start at fixed places.

`kubectl`, `docker`, `helm` and `argocd` align their columns under a header of capitals; cells may
hold spaces and may be empty, so a row is cut at the header's places.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

_CELL = re.compile(r"\S+(?: \S+)*")
_GAP = re.compile(r"\s{2,}|\t+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its position among the lines, and its cells by the header's words."""

    place: int
    cells: Mapping[str, str]

    def get(self, *names: str) -> str:
        """The first of the named cells that the table has; empty where it has none."""
        return next((self.cells[name] for name in names if name in self.cells), "")


@dataclass(frozen=True, slots=True)
class Table:
    """A header's words, its position, and the rows below it."""

    place: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(
    lines: Sequence[str], header: re.Pattern[str], known: Container[int] = ()
) -> Iterator[Table]:
    """The tables whose header line `header` matches, without the rows at `known` positions.

    A table ends at a blank line.
    """
    place = 0
    while place < len(lines):
        if not header.match(lines[place]):
            place += 1
            continue
        end = _end(lines, place + 1, header)
        starts, columns = _columns(lines[place])
        places = (n for n in range(place + 1, end) if n not in known)
        rows = (Row(n, _cells(lines[n], starts, columns)) for n in places)
        yield Table(place, columns, tuple(rows))
        place = end


def _end(lines: Sequence[str], place: int, header: re.Pattern[str]) -> int:
    while place < len(lines) and lines[place].strip() and not header.match(lines[place]):
        place += 1
    return place


def _columns(header: str) -> tuple[list[int], tuple[str, ...]]:
    found = list(_CELL.finditer(header))
    return [match.start() for match in found], tuple(match[0].upper() for match in found)


def _cells(line: str, starts: Sequence[int], columns: Sequence[str]) -> dict[str, str]:
    """The cells by place; by the gaps between them where the line is not aligned to its header."""
    parts = _GAP.split(line.strip())
    if len(parts) == len(columns):
        return dict(zip(columns, parts, strict=True))
    ends = [*starts[1:], None]
    return {
        column: line[start:end].strip()
        for column, start, end in zip(columns, starts, ends, strict=True)
    }
