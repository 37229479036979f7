"""Printed lines as Markdown: which of them are headings, steps, code, or a paragraph's next line.

A PDF file says where letters stand, not what they are. So headings are what its outline names, or
what is set larger; code is what is set in a fixed width; a line that pages repeat at their edges
is theirs and no text. What is no clear case stays a paragraph, with every word that it had.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from textwrap import indent

_BULLETS = "•◦▪‣●○■□\u2013\uf0b7\uf0a7"
_ITEM = re.compile(
    rf"(?:[{_BULLETS}]\s*|[*o-]\s+|(?P<number>\d{{1,3}}[.)])\s+|(?P<letter>[a-z][.)])\s+)(?=\S)"
)
_MARKER = re.compile(rf"\s*(?:[{_BULLETS}*-]|o|\d{{1,3}}[.)]|[a-z][.)])\s*$")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?$|[ivxl]{1,6}$", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\d{1,4}\s|\s\d{1,4}$")
_CONTENTS = re.compile(r".*(?:\s?\.){4,}\s*\w{1,5}$")  # an entry, dots, and its page
_BLOCK_MARK = re.compile(r"#{1,6}(?:\s|$)|[-=]{2,}\s*$|```|~~~")
_BROKEN_WORD = re.compile(r"(?:^|[\s(])([^\W\d_]+)-$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
MAX_LEVEL = 6
_MAX_HEADING_CHARS = 200
_HEADING_SCALE = 1.12  # times the text's size
_FULL_LINE = 0.7  # of the longest lines' length; after a shorter one its author began anew
_TYPESCRIPT = 0.9  # of all characters
_NESTED = 4  # points that an item's marker stands right of the one it belongs to
_MAX_COMPARED = 1_000_000  # a page of a thousand lines, each with a marker
_MONO_WIDTH = 0.6  # of a letter in a fixed width, times its size

Outline = Mapping[tuple[int, str], int]
"""The level of each heading that a file's outline names, by page (from 0) and `heading_key`."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was written at once, from `x` on along the line `y`; y grows towards the page's top."""

    text: str
    x: float
    y: float
    size: float
    is_mono: bool = False

    def followed_by(self, text: str) -> Words:
        """The same with more at its end."""
        return replace(self, text=self.text + text)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; `marked` is its text with what is code in it marked so."""

    text: str
    marked: str
    x: float
    y: float
    size: float
    is_code: bool = False
    level: int = 0


def lines_of(words: Iterable[Words]) -> list[Line]:
    """The lines of a page, in the order in which they were written; words end a line with `\\n`."""
    rows: list[list[Words]] = [[]]
    for piece in words:
        rows[-1].append(replace(piece, text=piece.text.replace("\n", " ")))
        if "\n" in piece.text:
            rows.append([])
    rows = [row for row in rows if any(piece.text.strip() for piece in row)]
    return _with_markers([_line(row) for row in _with_cells(rows)])


def _with_cells(rows: Iterable[list[Words]]) -> list[list[Words]]:
    """The rows, with what was written to the right of another at once put into it: its cells."""
    joined: list[list[Words]] = []
    for row in rows:
        left = joined[-1][-1] if joined else None
        if left and left.x < row[0].x and abs(left.y - row[0].y) < left.size / 3:
            joined[-1][-1] = left.followed_by(" ")
            joined[-1] += row
        else:
            joined.append(list(row))
    return joined


def _line(row: Sequence[Words]) -> Line:
    sizes: Counter[float] = Counter()
    for piece in row:
        sizes[piece.size] += len(piece.text.strip())
    inked = [piece for piece in row if piece.text.strip()]
    is_code = all(piece.is_mono for piece in inked)
    text = "".join(piece.text for piece in row).rstrip()
    return Line(
        text if is_code else text.strip(),
        text.strip() if is_code else _marked(row),
        inked[0].x,
        inked[0].y,
        sizes.most_common(1)[0][0],
        is_code,
    )


def _marked(row: Iterable[Words]) -> str:
    text = ""
    for piece in row:
        code = piece.text.strip()
        if piece.is_mono and code and "`" not in code:
            before, _, after = piece.text.partition(code)
            text += f"{before}`{code}`{after}"
        else:
            text += piece.text
    return text.replace("``", "").strip()


def _with_markers(lines: Sequence[Line]) -> list[Line]:
    """The lines, with bullets and numbers that were written on their own put before their text."""
    markers = [line for line in lines if _MARKER.match(line.text)]
    if len(markers) * len(lines) > _MAX_COMPARED:
        return list(lines)
    found = {id(marker): _marked_by(marker, lines) for marker in markers}
    marker_of = {id(line): marker for marker in markers if (line := found[id(marker)])}
    return [_after(marker_of.get(id(line)), line) for line in lines if found.get(id(line)) is None]


def _marked_by(marker: Line, lines: Iterable[Line]) -> Line | None:
    beside = (
        line
        for line in lines
        if abs(line.y - marker.y) < marker.size / 3
        and line.x > marker.x
        and not _MARKER.match(line.text)
    )
    return min(beside, key=lambda line: line.x, default=None)


def _after(marker: Line | None, line: Line) -> Line:
    if marker is None:
        return line
    mark = f"{marker.text.strip()} "
    return replace(
        line, text=mark + line.text, marked=mark + line.marked, x=marker.x, is_code=False
    )


def heading_key(title: str) -> str:
    """What an outline's entry and the line that it names have in common."""
    letters = "".join(char for char in title.casefold() if char.isalnum())
    return letters.lstrip("0123456789") or letters


def largest_words(pages: Sequence[Sequence[Line]]) -> str:
    """The first page's largest line, when it stands out; else nothing."""
    lines = pages[0] if pages else ()
    largest = max((line.size for line in lines), default=0.0)
    if largest < _HEADING_SCALE * _text_size(pages):
        return ""
    words = " ".join(line.text.strip() for line in lines if line.size == largest)
    return words if len(words) <= _MAX_HEADING_CHARS else ""


def markdown(pages: Sequence[Sequence[Line]], outline: Outline) -> str:
    """The text of all pages."""
    pages = _with_headings(_without_edges(_without_typescript(pages)), outline)
    setting = _Setting.of(pages)
    return "\n\n".join(_blocks(_parts(pages, setting), setting)) + "\n"


def _without_typescript(pages: Sequence[Sequence[Line]]) -> Sequence[Sequence[Line]]:
    """The pages, but nothing is code where nearly all is set in a fixed width."""
    n_code = sum(len(line.text) for page in pages for line in page if line.is_code)
    if n_code < _TYPESCRIPT * sum(len(line.text) for page in pages for line in page):
        return pages
    return [[replace(line, is_code=False, text=line.marked) for line in page] for page in pages]


def _text_size(pages: Iterable[Iterable[Line]]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[line.size] += 0 if line.is_code else len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


# Edges of pages


def _without_edges(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without running headers, footers, numbers, and without entries of contents."""
    large = _HEADING_SCALE * _text_size(pages)
    edges = [{line: _edge_key(line, large) for line in _edge_lines(page)} for page in pages]
    counts = Counter(key for edge in edges for key in set(edge.values()))
    n_repeats = max(2, min(3, len(pages)))
    running = {key for key, count in counts.items() if count >= n_repeats}
    margins = _margins(running, counts, len(pages))
    kept = []
    for page, edge in zip(pages, edges, strict=True):
        dropped = {line for line, key in edge.items() if key in running}
        for line in (end(edge, key=lambda line: line.y, default=None) for end in (min, max)):
            if line and (_PAGE_NUMBER.match(line.text) or _is_numbered(line, margins)):
                dropped.add(line)
        kept.append([line for line in page if line not in dropped and not _is_entry(line)])
    return kept


def _margins(
    running: Iterable[tuple[str, int]], counts: Mapping[tuple[str, int], int], n_pages: int
) -> set[int]:
    """The heights at which half of the pages, or more, have lines that are repeated."""
    n_running: Counter[int] = Counter()
    for text, height in running:
        n_running[height] += counts[text, height]
    return {height for height, n in n_running.items() if 2 * n >= n_pages}


def _is_numbered(line: Line, margins: set[int]) -> bool:
    """Whether it is a chapter's name and the page's number, as pages of other chapters have."""
    return _height(line) in margins and _NUMBERED.search(line.text.strip()) is not None


def _is_entry(line: Line) -> bool:
    """Whether it is an entry of a table of contents."""
    return len(line.text) <= _MAX_HEADING_CHARS and _CONTENTS.match(line.text) is not None


def _edge_lines(page: Sequence[Line]) -> list[Line]:
    """The lines at the two highest and the two lowest places of the page that say something."""
    heights = sorted({round(line.y) for line in page})
    edges = {*heights[:2], *heights[-2:]}
    return [line for line in page if round(line.y) in edges and re.search(r"\w", line.text)]


def _edge_key(line: Line, large: float) -> tuple[str, int]:
    """The same for a line that pages repeat, with the numbers of the pages or without.

    Not for what is large: that may be a numbered heading, on top of each page.
    """
    text = line.text.strip()
    return text if line.size >= large else re.sub(r"\d+", "0", text), _height(line)


def _height(line: Line) -> int:
    return round(line.y / 4)


# Headings


def _with_headings(pages: Sequence[Sequence[Line]], outline: Outline) -> list[list[Line]]:
    """The lines with their levels: as the outline has them, or else as their sizes say."""
    named = [
        [replace(line, level=outline.get((number, heading_key(line.text)), 0)) for line in page]
        for number, page in enumerate(pages)
    ]
    if sum(line.level > 0 for page in named for line in page) > 1:
        return named
    return _with_sized_headings(pages)


def _with_sized_headings(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    least = _HEADING_SCALE * _text_size(pages)
    large = {line.size for page in pages for line in page if _may_be_heading(line, least)}
    levels = {size: level for level, size in enumerate(sorted(large, reverse=True), start=1)}
    return [
        [
            replace(line, level=min(levels[line.size], MAX_LEVEL))
            if _may_be_heading(line, least)
            else line
            for line in page
        ]
        for page in pages
    ]


def _may_be_heading(line: Line, least_size: float) -> bool:
    is_large = line.size >= least_size and len(line.text) <= _MAX_HEADING_CHARS
    return is_large and not line.is_code and re.search(r"[^\W\d_]", line.text) is not None


# Parts: the lines of one heading, item, paragraph or piece of code


def _parts(pages: Iterable[Iterable[Line]], setting: _Setting) -> list[list[Line]]:
    parts: list[list[Line]] = []
    for page in pages:
        for line in page:
            above = parts[-1][-1] if parts else None
            if above is not None and setting.is_wrapped_code(above, line):
                line = replace(line, text=line.marked, marked=f"`{line.marked}`", is_code=False)
            if above is not None and setting.goes_on(above, line):
                parts[-1].append(line)
            else:
                parts.append([line])
    return parts


@dataclass(frozen=True, slots=True)
class _Setting:
    """How a document is set: its lines' usual distance, times their size, and length; its words."""

    leading: float
    full_line_chars: float
    words: frozenset[str]

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> _Setting:
        """As these pages are set."""
        return cls(_leading(pages), _full_line_chars(pages), _words(pages))

    def is_wrapped_code(self, above: Line, line: Line) -> bool:
        """Whether a line that is all code only goes on with a sentence."""
        if not line.is_code or above.is_code or above.level or not self._is_full(above):
            return False
        indent_of_line = line.x - above.x
        is_aligned = indent_of_line > _NESTED if _is_item(above) else abs(indent_of_line) < 1
        return is_aligned and self._is_near(above, line)

    def goes_on(self, above: Line, line: Line) -> bool:
        """Whether two lines are of one part."""
        if above.level != line.level or above.is_code != line.is_code or _is_item(line):
            return False
        if line.is_code:
            return above.y - line.y < 3 * self.leading * line.size
        if above.y <= line.y:  # another page or column
            return not line.level and line.text[:1].islower() and above.text[-1:] not in ".:!?"
        return above.size == line.size and self._is_near(above, line)

    def joined(self, lines: Sequence[Line]) -> str:
        """The text of a paragraph's lines."""
        upper = (self._up_to(above, line.marked) for above, line in pairwise(lines))
        return "".join([*upper, lines[-1].marked])

    def _up_to(self, line: Line, following: str) -> str:
        """The line's text, and what is between it and the line that follows."""
        text = line.marked
        if text.endswith(("\u2010", "\xad")):  # hyphens that only line ends have
            return text[:-1]
        broken, first = _BROKEN_WORD.search(text), _FIRST_WORD.match(following)
        if broken and first and first[0][0].islower():
            is_one_word = (broken[1] + first[0]).casefold() in self.words
            return text[:-1] if is_one_word else text
        if self._is_full(line):
            return f"{text} "
        return f"{text}\n\\" if _BLOCK_MARK.match(following) else f"{text}\n"

    def _is_full(self, line: Line) -> bool:
        return len(line.text) >= _FULL_LINE * self.full_line_chars

    def _is_near(self, above: Line, line: Line) -> bool:
        return 0 < above.y - line.y <= 1.15 * self.leading * max(above.size, line.size)


def _leading(pages: Iterable[Sequence[Line]]) -> float:
    gaps = Counter(
        round((above.y - line.y) / line.size, 1)
        for page in pages
        for above, line in pairwise(page)
        if line.size and above.size == line.size and not line.is_code
    )
    return next((gap for gap, _ in gaps.most_common() if 0.8 <= gap <= 2.0), 1.2)


def _full_line_chars(pages: Iterable[Iterable[Line]]) -> float:
    lengths = sorted(len(line.text) for page in pages for line in page if not line.is_code)
    return median(lengths[len(lengths) // 2 :]) if lengths else 0.0


def _words(pages: Iterable[Iterable[Line]]) -> frozenset[str]:
    """All words of the document, those with a hyphen whole."""
    return frozenset(
        word.casefold()
        for page in pages
        for line in page
        for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*(?![\w-])", line.text)
    )


# Writing


def _blocks(parts: Iterable[Sequence[Line]], setting: _Setting) -> Iterator[str]:
    """Each part's Markdown; what stands further right than an item's marker belongs to the item."""
    items: list[tuple[float, int]] = []  # where the open items' markers stand, and their widths
    for part in parts:
        first = part[0]
        is_item = _is_item(first)
        while items and (first.level or first.x < items[-1][0] + (_NESTED if is_item else 1)):
            items.pop()
        margin = " " * sum(width for _, width in items)
        if first.level:
            yield _heading(part)
        elif first.is_code:
            yield indent(_code(part), margin)
        elif is_item:
            mark, text = _marker_and_text(setting.joined(part))
            items.append((first.x, len(mark)))
            yield margin + mark + indent(text, margin + " " * len(mark)).lstrip(" ")
        else:
            yield indent(_escaped(setting.joined(part)), margin)


def _is_item(line: Line) -> bool:
    return not line.is_code and not line.level and _ITEM.match(line.text) is not None


def _marker_and_text(text: str) -> tuple[str, str]:
    """An item's marker as Markdown has it, and its text; letters, which it has not, stay text."""
    match = _ITEM.match(text)
    if match is None or match["letter"]:
        return "- ", text
    return f"{match['number']} " if match["number"] else "- ", text[match.end() :]


def _heading(lines: Sequence[Line]) -> str:
    words = " ".join(line.text for line in lines)
    return "#" * lines[0].level + " " + re.sub(r"([\\`*<\[])", r"\\\1", words)


def _code(lines: Sequence[Line]) -> str:
    """A fenced block, with margins and blank lines as they are on the page."""
    left = min(line.x for line in lines)
    leading = min((a.y - b.y for a, b in pairwise(lines) if a.y > b.y), default=0.0)
    code = ""
    for above, line in pairwise([lines[0], *lines]):
        has_blank = above.y - line.y > 1.6 * leading > 0
        margin = " " * round((line.x - left) / (_MONO_WIDTH * line.size))
        code += f"{chr(10) * has_blank}{margin}{line.text}\n"
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", code))])
    return f"{fence}\n{code}{fence}"


def _escaped(text: str) -> str:
    """The text, marked where its beginning would make something else of it in Markdown."""
    return f"\\{text}" if _BLOCK_MARK.match(text) else text
