"""Lines of a log source: numbered, at a bounded cost of memory and time.

Logs arrive packed, rotated, in UTF-8 or UTF-16, cut off in the middle, gigabytes long or empty.
This module turns each of these into whole lines, one by one or in blocks, and says what it left
out. How a file is opened is left to `tools.logs.storage`, what a line means to
`tools.logs.records`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tools.errors import ToolsError
from tools.logs.storage import BLOCK_BYTES, Content, Damaged, LogFile, inspect
from tools.scope import LogSource

MAX_BYTES = 256 * 1024 * 1024
MAX_LINE_CHARS = 16 * 1024

_SAMPLE_PART = 4
_UNIT_NAMES = ("bytes", "KiB", "MiB", "GiB", "TiB")


class LogLine(NamedTuple):
    """One line without its terminator. `is_cut`: only its first MAX_LINE_CHARS are here.

    A tuple, because there is one for every line of a log.
    """

    path: Path
    number: int
    text: str
    is_cut: bool


class TextBlock(NamedTuple):
    """Whole lines, joined by line feeds; the first of them is line `number` of the file.

    Carriage returns are still there, and lines may be longer than MAX_LINE_CHARS. `is_sample`: a
    part of what is too much to be read.
    """

    path: Path
    number: int
    text: str
    is_sample: bool


@dataclass(slots=True)
class BlockStream:
    """The blocks of `source`, oldest file first; iterate once.

    `notes` (what was left out, and why) and `size_bytes` (what was read, uncompressed) are complete
    when the iteration has ended. Raises SourceNotFound or SourceUnreadable when no file of the
    source can be read; one bad file among several becomes a note.
    """

    source: LogSource
    max_bytes: int = MAX_BYTES
    is_sampled: bool = False
    notes: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def __iter__(self) -> Iterator[TextBlock]:
        for file, budget in _share(self._openable(), self.max_bytes):
            if budget == 0:
                self.notes.append(f"{file.path.name} was not read: newer files fill the limit")
                continue
            yield from self._read(file, budget)

    def _openable(self) -> list[LogFile]:
        files: list[LogFile] = []
        failures: list[ToolsError] = []
        for path in self.source.paths:
            try:
                files.append(inspect(path))
            except ToolsError as error:
                failures.append(error)
        if failures and not files:
            raise failures[0]
        self.notes.extend(f"left out: {failure.message}" for failure in failures)
        return files

    def _read(self, file: LogFile, budget: int) -> Iterator[TextBlock]:
        plan = _Plan.of(file, budget, self.is_sampled)
        self.notes.extend(plan.notes)
        sections = _Sections(file, plan)
        try:
            yield from sections
        finally:
            self.size_bytes += sections.read_bytes
        self.notes.extend(sections.notes)


@dataclass(slots=True)
class LineStream:
    """The lines of `source`, oldest file first; iterate once. It fails as its blocks do."""

    blocks: BlockStream
    notes: list[str] = field(default_factory=list)

    @property
    def source(self) -> LogSource:
        """Where the lines are from."""
        return self.blocks.source

    @property
    def size_bytes(self) -> int:
        """What was read, uncompressed."""
        return self.blocks.size_bytes

    def __iter__(self) -> Iterator[LogLine]:
        cut: dict[Path, int] = {}
        for block in self.blocks:
            for number, text in enumerate(block.text.split("\n"), block.number):
                if len(text) > MAX_LINE_CHARS:
                    cut[block.path] = cut.get(block.path, 0) + 1
                    yield LogLine(block.path, number, text[:MAX_LINE_CHARS], True)
                else:
                    yield LogLine(block.path, number, text.removesuffix("\r"), False)
        self.notes.extend(self.blocks.notes)
        self.notes.extend(cut_note(path, count) for path, count in cut.items())


def read_lines(source: LogSource, max_bytes: int = MAX_BYTES) -> LineStream:
    """The lines of `source`; of what is larger than `max_bytes`, the newest part."""
    return LineStream(BlockStream(source, max_bytes))


def read_blocks(source: LogSource, max_bytes: int = MAX_BYTES) -> BlockStream:
    """The text of `source`; of what is larger than `max_bytes`, the newest part and a sample.

    The sample is taken evenly from all that comes before the newest part in the same file.
    """
    return BlockStream(source, max_bytes, is_sampled=True)


def cut_note(path: Path, count: int) -> str:
    """What to tell of lines that were cut."""
    return f"{path.name}: {count} lines longer than {MAX_LINE_CHARS:,} characters were cut"


def tail_text(path: Path, size_bytes: int = 64 * 1024) -> str:
    """About the last `size_bytes` of a log file as text; the first line may be a part of one."""
    file = inspect(path)
    return _Sections(file, _Plan.of(file, size_bytes, is_sampled=False)).only_text()


def head_text(path: Path, size_bytes: int = 64 * 1024) -> str:
    """About the first `size_bytes` of a log file as text; the last line may be a part of one."""
    return _Sections(inspect(path), _Plan((_Section(0, size_bytes),), ())).only_text()


def format_size(size_bytes: int) -> str:
    """`2.0 GiB`: a size for people."""
    size = float(size_bytes)
    for unit in _UNIT_NAMES:
        if size < 1024 or unit == _UNIT_NAMES[-1]:
            break
        size /= 1024
    return f"{int(size)} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def check_readable(path: Path) -> None:
    """Raise SourceNotFound or SourceUnreadable unless `path` is a text file that opens."""
    inspect(path)


def _share(files: list[LogFile], max_bytes: int) -> list[tuple[LogFile, int]]:
    """Each file with the bytes of the limit that it may use; the newest file is served first."""
    shares: list[tuple[LogFile, int]] = []
    left = max_bytes
    for file in reversed(files):
        if file.is_packed and file.size_bytes > left:
            file = file.measured()
        shares.append((file, left))
        left -= min(left, file.size_bytes)
    return shares[::-1]


class _Section(NamedTuple):
    """A part of a file, in bytes of its uncompressed content."""

    start: int
    length: int
    is_sample: bool = False


class _Plan(NamedTuple):
    """Which parts of a file are read, in their order, and what is said about it."""

    sections: tuple[_Section, ...]
    notes: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        return sum(section.length for section in self.sections)

    @classmethod
    def of(cls, file: LogFile, budget: int, is_sampled: bool) -> _Plan:
        if file.size_bytes <= budget:
            return cls((_Section(0, budget),), ())
        num_blocks = budget // _SAMPLE_PART // BLOCK_BYTES if is_sampled else 0
        tail = budget - num_blocks * BLOCK_BYTES
        rest = file.size_bytes - tail
        # A character of two bytes must not be torn.
        starts = [rest * block // num_blocks for block in range(num_blocks)]
        samples = [_Section(start - start % 2, BLOCK_BYTES, True) for start in starts]
        read = f"{file.path.name}: read the last {format_size(tail)} "
        note = f"{read}of {format_size(file.size_bytes)}"
        if samples:
            plural = "s" if num_blocks > 1 else ""
            note += f" and a sample of {num_blocks} block{plural} before"
        half_char = rest % file.char_bytes
        return cls((*samples, _Section(rest - half_char, tail + half_char)), (note,))


class _Lines(NamedTuple):
    """Whole lines, joined by line feeds, and the number of the first."""

    number: int
    text: str


class _Cutter:
    """Cuts a text that comes in parts at its line ends. `line_ends` counts those seen so far.

    `is_torn`: the text begins inside a line, which is left out.
    """

    def __init__(self, line_ends: int, is_torn: bool) -> None:
        self.line_ends = line_ends
        self._is_torn = is_torn
        self._rest = ""

    def whole(self, text: str) -> _Lines | None:
        """The lines that end in `text`, the next part."""
        if self._is_torn:
            _, end, text = text.partition("\n")
            if not end:
                return None
            self._is_torn = False
            self.line_ends += 1
        head, end, tail = text.rpartition("\n")
        if not end:
            # What is longer is cut, so it need not be kept.
            self._rest = (self._rest + tail)[: MAX_LINE_CHARS + 1]
            return None
        lines = _Lines(self.line_ends + 1, self._rest + head)
        self._rest = tail
        self.line_ends += lines.text.count("\n") + 1
        return lines

    def rest(self) -> _Lines | None:
        """The last line, where it has no end."""
        return _Lines(self.line_ends + 1, self._rest) if self._rest else None


class _Sections:
    """The blocks of one file as planned; iterate once."""

    def __init__(self, file: LogFile, plan: _Plan) -> None:
        self.read_bytes = 0
        self.notes: list[str] = []
        self._file = file
        self._plan = plan

    def __iter__(self) -> Iterator[TextBlock]:
        position = line_ends = 0
        with self._file.open() as content:
            for section in self._plan.sections:
                skipped = self._raw(content, section.start - position)
                line_ends += sum(map(self._count_line_ends, skipped))
                cutter = _Cutter(line_ends, is_torn=section.start > 0)
                for text in self._texts(content, section):
                    yield from self._blocks(cutter.whole(text), section)
                if not section.is_sample:
                    yield from self._blocks(cutter.rest(), section)
                line_ends = cutter.line_ends
                position = section.start + section.length
            self._note_rest(content)

    def only_text(self) -> str:
        """The only planned section as it is, torn lines included."""
        (section,) = self._plan.sections
        with self._file.open() as content:
            with suppress(Damaged):
                content.skip(section.start)
            return "".join(self._texts(content, section))

    def _blocks(self, lines: _Lines | None, section: _Section) -> Iterator[TextBlock]:
        if lines is not None:
            yield TextBlock(self._file.path, lines.number, lines.text, section.is_sample)

    def _texts(self, content: Content, section: _Section) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._file.encoding)("replace")
        is_start = section.start == 0
        for block in self._raw(content, section.length):
            self.read_bytes += len(block)
            text = decoder.decode(block)
            yield text.removeprefix("\ufeff") if is_start else text
            is_start = False
        yield decoder.decode(b"", final=True)

    def _note_rest(self, content: Content) -> None:
        if self.read_bytes == self._plan.size_bytes and any(self._raw(content, 1)):
            self.notes.append(
                f"{self._file.path.name}: stopped after {format_size(self.read_bytes)}, "
                "the rest was not read"
            )

    def _count_line_ends(self, block: bytes) -> int:
        if self._file.char_bytes == 1:
            return block.count(b"\n")
        # In UTF-16 the byte 0x0A is half of many other characters.
        return block.decode(self._file.encoding, "replace").count("\n")

    def _raw(self, content: Content, length: int) -> Iterator[bytes]:
        try:
            while length > 0 and (block := content.read(min(BLOCK_BYTES, length))):
                length -= len(block)
                yield block
        except Damaged:
            self.notes.append(
                f"{self._file.path.name}: the {self._file.packing} file is cut off or damaged; "
                "what comes before that was used"
            )
