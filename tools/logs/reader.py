"""Lines of a log source: the one place that opens log files.

Logs arrive plain or gzipped, rotated, in UTF-8 or UTF-16, cut off in the middle, gigabytes long or
empty. This module turns each of these into numbered lines at a bounded cost of memory and time, and
says what it left out. What a line means is left to `tools.logs.records`.
"""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

from tools.errors import SourceNotFound, SourceUnreadable, ToolsError
from tools.scope import LogSource

MAX_BYTES = 256 * 1024 * 1024
MAX_LINE_CHARS = 16 * 1024

_BLOCK = 1 << 20
_SNIFF = 8192
_UNIT_NAMES = ("bytes", "KiB", "MiB", "GiB", "TiB")


class LogLine(NamedTuple):
    """One line without its terminator. `is_cut`: only its first MAX_LINE_CHARS are here.

    A tuple, because there is one for every line of a log.
    """

    path: Path
    number: int
    text: str
    is_cut: bool


@dataclass(slots=True)
class LineStream:
    """The lines of `source`, oldest file first; iterate once.

    `notes` (what was left out, and why) and `size_bytes` (what was read, uncompressed) are complete
    when the iteration has ended. Raises SourceNotFound or SourceUnreadable when no file of the
    source can be read; one bad file among several becomes a note.
    """

    source: LogSource
    max_bytes: int = MAX_BYTES
    notes: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def __iter__(self) -> Iterator[LogLine]:
        files = self._openable()
        for file, budget in _share(files, self.max_bytes):
            if budget == 0:
                self.notes.append(f"{file.path.name} was not read: newer files fill the limit")
                continue
            yield from self._read(file, budget)

    def _openable(self) -> list[_LogFile]:
        files: list[_LogFile] = []
        failures: list[ToolsError] = []
        for path in self.source.paths:
            try:
                files.append(_inspect(path))
            except ToolsError as error:
                failures.append(error)
        if failures and not files:
            raise failures[0]
        self.notes.extend(f"left out: {failure.message}" for failure in failures)
        return files

    def _read(self, file: _LogFile, budget: int) -> Iterator[LogLine]:
        skipped = max(0, file.size_bytes - budget)
        if skipped:
            self.notes.append(
                f"{file.path.name}: read the last {format_size(budget)} "
                f"of {format_size(file.size_bytes)}"
            )
        blocks = _Blocks(file, budget)
        cut = 0
        try:
            with blocks:
                number = blocks.skip(skipped)
                for line in _split(file.path, blocks, number, starts_inside=skipped > 0):
                    cut += line.is_cut
                    yield line
        finally:
            self.size_bytes += blocks.read_bytes
        self.notes.extend(blocks.notes)
        if cut:
            self.notes.append(
                f"{file.path.name}: {cut} lines longer than {MAX_LINE_CHARS:,} characters were cut"
            )


def read_lines(source: LogSource, max_bytes: int = MAX_BYTES) -> LineStream:
    """The lines of `source`; of what is larger than `max_bytes`, the newest part."""
    return LineStream(source, max_bytes)


def tail_text(path: Path, size_bytes: int = 64 * 1024) -> str:
    """About the last `size_bytes` of a log file as text; the first line may be a part of one."""
    file = _inspect(path)
    with _Blocks(file, size_bytes) as blocks:
        blocks.skip(max(0, file.size_bytes - size_bytes))
        return "".join(blocks)


def head_text(path: Path, size_bytes: int = 64 * 1024) -> str:
    """About the first `size_bytes` of a log file as text; the last line may be a part of one."""
    with _Blocks(_inspect(path), size_bytes) as blocks:
        return "".join(blocks)


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
    _inspect(path)


@dataclass(frozen=True, slots=True)
class _LogFile:
    """A file that opens and holds text. `size_bytes` is the uncompressed size as far as known."""

    path: Path
    size_bytes: int
    is_gzip: bool
    encoding: str

    @property
    def char_bytes(self) -> int:
        return 2 if self.encoding.startswith("utf-16") else 1

    def open(self) -> BufferedIOBase:
        if self.is_gzip:
            return gzip.open(self.path)
        return self.path.open("rb")


def _inspect(path: Path) -> _LogFile:
    _require_regular(path)
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            size = _gzip_size(raw) if is_gzip else raw.seek(0, os.SEEK_END)
        with gzip.open(path) if is_gzip else path.open("rb") as content:
            head = _first_bytes(content)
    except OSError as error:
        raise SourceUnreadable(
            f"{path} cannot be read: {error.strerror or error}", "check the file's permissions"
        ) from error
    return _LogFile(path, size, is_gzip, _encoding(path, head))


def _require_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise SourceNotFound(f"{path} does not exist", "check the path") from error
    except OSError as error:
        raise SourceUnreadable(
            f"{path} cannot be read: {error.strerror}", "check the permissions of its folders"
        ) from error
    if stat.S_ISDIR(mode):
        raise SourceUnreadable(f"{path} is a directory", "name a file in it, or use --bundle")
    if not stat.S_ISREG(mode):
        raise SourceUnreadable(
            f"{path} is not a regular file", "pipes and devices are read from standard input only"
        )


def _first_bytes(content: BufferedIOBase) -> bytes:
    try:
        return content.read(_SNIFF)
    except (EOFError, zlib.error):
        return b""


def _gzip_size(raw: BufferedIOBase) -> int:
    # The trailer holds the size of the last member modulo 4 GiB: right for a rotated log, and
    # where it is too small the reading limit still holds.
    if raw.seek(0, os.SEEK_END) < 18:
        return 0
    raw.seek(-4, os.SEEK_END)
    return int.from_bytes(raw.read(4), "little")


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        raise SourceUnreadable(
            f"{path} is not a text file", "only text logs can be read, plain or gzipped"
        )
    return "utf-8"


def _share(files: list[_LogFile], max_bytes: int) -> list[tuple[_LogFile, int]]:
    """Each file with the bytes of the limit that it may use; the newest file is served first."""
    shares: list[tuple[_LogFile, int]] = []
    left = max_bytes
    for file in reversed(files):
        if file.is_gzip and file.size_bytes > left:
            file = replace(file, size_bytes=_measure(file))
        shares.append((file, left))
        left -= min(left, file.size_bytes)
    return shares[::-1]


def _measure(file: _LogFile) -> int:
    """The true uncompressed size: a large one is claimed by a damaged file, too."""
    size_bytes = 0
    with suppress(EOFError, zlib.error, OSError), file.open() as handle:
        while block := handle.read1(_BLOCK):
            size_bytes += len(block)
    return size_bytes


class _Blocks:
    """The decoded blocks of one open file: after `skip`, at most `budget` bytes."""

    def __init__(self, file: _LogFile, budget: int) -> None:
        self.read_bytes = 0
        self.notes: list[str] = []
        self._file = file
        self._budget = budget
        self._decoder = codecs.getincrementaldecoder(file.encoding)("replace")

    def __enter__(self) -> _Blocks:
        self._handle = self._file.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    def skip(self, size_bytes: int) -> int:
        """Leave out the next `size_bytes` and return the number of line ends in them."""
        half_char = size_bytes % self._file.char_bytes
        size_bytes -= half_char
        self._budget += half_char
        return sum(self._line_ends(block) for block in self._raw(size_bytes))

    def __iter__(self) -> Iterator[str]:
        for block in self._raw(self._budget):
            self.read_bytes += len(block)
            text = self._decoder.decode(block)
            yield text.removeprefix("\ufeff") if self.read_bytes == len(block) else text
        yield self._decoder.decode(b"", final=True)
        if self.read_bytes == self._budget and any(self._raw(1)):
            self.notes.append(
                f"{self._file.path.name}: stopped after {format_size(self._budget)}, "
                "the rest was not read"
            )

    def _line_ends(self, block: bytes) -> int:
        if self._file.char_bytes == 1:
            return block.count(b"\n")
        # In UTF-16 the byte 0x0A is half of many other characters.
        return block.decode(self._file.encoding, "replace").count("\n")

    def _raw(self, length: int) -> Iterator[bytes]:
        try:
            # read1, because read would lose what it has when a gzip file ends too early.
            while length > 0 and (block := self._handle.read1(min(_BLOCK, length))):
                length -= len(block)
                yield block
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.notes.append(
                f"{self._file.path.name}: the gzip file is cut off or damaged; "
                "what comes before that was used"
            )
        except OSError as error:
            raise SourceUnreadable(
                f"{self._file.path} cannot be read: {error.strerror or error}",
                "check the file and the disk it is on",
            ) from error


def _split(path: Path, blocks: _Blocks, number: int, *, starts_inside: bool) -> Iterator[LogLine]:
    rest = cut = ""
    is_dropping = starts_inside  # the rest of a line, up to its end
    for block in blocks:
        if is_dropping:
            _, line_end, block = block.partition("\n")
            if not line_end:
                continue
            number += 1
            is_dropping = False
            if cut:
                yield LogLine(path, number, cut, True)
                cut = ""
        lines = (rest + block).split("\n")
        rest = lines.pop()
        for text in lines:
            number += 1
            if len(text) > MAX_LINE_CHARS:
                yield LogLine(path, number, text[:MAX_LINE_CHARS], True)
            else:
                yield LogLine(path, number, text.removesuffix("\r"), False)
        if len(rest) > MAX_LINE_CHARS:
            cut, rest, is_dropping = rest[:MAX_LINE_CHARS], "", True
    if cut or rest:
        yield LogLine(path, number + 1, cut or rest.removesuffix("\r"), bool(cut))
