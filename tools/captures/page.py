"""A capture as a page: its lines, bounded and free of colour codes, and the words in it.

A line of a megabyte (JSON without line ends) is divided into parts, so that what is found in it can
be quoted. Every part stands verbatim in the capture.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.captures.observation import Observation
from tools.captures.parsing import MAX_LINE_CHARS, readings, vocabulary_of, without_escapes
from tools.logs.reader import head_text, read_lines
from tools.scope import Capture, LogSource

MAX_BYTES = 4 * 1024 * 1024
MAX_TEXT_CHARS = 400
HEAD_LINES = 3
_PART_CHARS = 400
_FEW_LINES = 4
# A long line is divided before each key of an object, or else between words.
_KEY = re.compile(r"(?=\"[\w.@/-]+\"\s*:)")
_PART = re.compile(rf".{{1,{_PART_CHARS}}}(?=\s|$)|.{{1,{_PART_CHARS}}}", re.DOTALL)
_STAMPED = re.compile(
    r"^\W{0,2}(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:\d\d|\[?\d{10}(?:\.\d+)?\b"
    r"|\d\d/\w{3}/\d{4}:\d\d|ts=\d|time=|level=|\[[A-Z]+\]"
    r"|\{\"(?:ts|time|level|timestamp|@timestamp|msg)\":)"
)
_MIN_LOG_LINES = 8
_LOG_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A capture's lines (`numbers` are theirs in the file) and what is known of them.

    `lines` are clean, `raw` as they stand in the file. `subject` is what command and first lines
    name. `observations` with whether they are about the machine as a whole; `understood` are the
    lines that a form explains. `is_log`: most lines begin like those of a log.
    """

    capture: Capture
    lines: tuple[str, ...]
    raw: tuple[str, ...]
    numbers: tuple[int, ...]
    subject: str
    vocabulary: frozenset[str]
    notes: tuple[str, ...]
    observations: tuple[tuple[Observation, bool], ...]
    understood: frozenset[int]
    is_log: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing but white space stands in it."""
        return not any(line.strip() for line in self.lines)

    def quote(self, start: int, end: int) -> str:
        """Lines `start` up to `end`, verbatim, without white space and colour codes around them."""
        text = self.raw[start]
        for place in range(start + 1, end):
            is_same_line = self.numbers[place] == self.numbers[place - 1]
            text += self.raw[place] if is_same_line else f"\n{self.raw[place]}"
        return _trimmed(text) if "\x1b" in text else text.strip()


def open_page(capture: Capture, now: datetime | None = None) -> Page:
    """Read the capture; of a large one the newest MAX_BYTES. Raises ToolsError."""
    numbered, notes = _numbered(capture)
    # A whole object on one line is divided; a line of a log, or a row of a table, is not.
    most = _PART_CHARS if len(numbered) <= _FEW_LINES else MAX_LINE_CHARS
    parts = [part for line in numbered for part in _parts(*line, most)]
    raw = tuple(text for _, text in parts)
    lines = tuple(map(without_escapes, raw)) if any("\x1b" in text for text in raw) else raw
    text = "\n".join(lines)
    vocabulary = vocabulary_of(text)
    is_log = _is_log(lines)
    found = list(readings(_unstamped(lines) if is_log else lines, vocabulary, now))
    rows = {place for form, reading in found if form.is_table for place in reading.understood}
    return Page(
        capture,
        lines,
        raw,
        tuple(number for number, _ in parts),
        f"{capture.command}\n{_head(lines, rows)}".lower(),
        vocabulary,
        notes,
        tuple((o, form.is_host) for form, reading in found for o in reading.observations),
        frozenset().union(*(reading.understood for _, reading in found)),
        is_log,
    )


def _is_log(lines: Sequence[str]) -> bool:
    filled = [line for line in lines[:_LOG_SAMPLE] if line.strip()]
    stamped = sum(bool(_STAMPED.match(line)) for line in filled)
    return len(filled) >= _MIN_LOG_LINES and 2 * stamped > len(filled)


def _unstamped(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines without those of a log, which are no output of a known form."""
    return tuple("" if _STAMPED.match(line) else line for line in lines)


def _numbered(capture: Capture) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    text = head_text(capture.path, MAX_BYTES)
    if len(text) < MAX_BYTES and capture.path.stat().st_size <= MAX_BYTES:
        return list(enumerate((line.rstrip("\r") for line in text.split("\n")), 1)), ()
    stream = read_lines(LogSource(capture.name, (capture.path,)), MAX_BYTES)
    lines = [(line.number, line.text) for line in stream]
    return lines, tuple(stream.notes)


def _parts(number: int, text: str, most: int) -> Iterator[tuple[int, str]]:
    if len(text) <= most or (len(text) <= MAX_LINE_CHARS and text[0] not in "{["):
        yield number, text
        return
    for piece in _KEY.split(text):
        for match in _PART.finditer(piece):
            yield number, match[0]


def _head(lines: Sequence[str], rows: Container[int]) -> str:
    """The first lines, without the rows of tables: these are about many things."""
    filled = [n for n, line in enumerate(lines[:20]) if line.strip()][:HEAD_LINES]
    return "\n".join(lines[place] for place in filled if place not in rows)


def _trimmed(text: str) -> str:
    """`text` without the colour codes at its ends, which is as verbatim as it was."""
    text = text.strip()
    while match := re.match(r"\x1b\[[\d;?]*[A-Za-z]\s*", text):
        text = text[match.end() :]
    while match := re.search(r"\s*\x1b\[[\d;?]*[A-Za-z]$", text):
        text = text[: match.start()]
    return text
