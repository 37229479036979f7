"""How a log file is stored: plain, gzip or zstd, and in which encoding.

The one place that opens log files. It says what is wrong with a file that is not a text log; which
part of a file is read is decided in `tools.logs.reader`.
"""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Literal

from tools.errors import SourceNotFound, SourceUnreadable

BLOCK_BYTES = 1 << 20
_SNIFF_BYTES = 8192

Packing = Literal["plain", "gzip", "zstd"]

_MARKS: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Damaged(Exception):
    """A packed file ends too early or is broken; what was read before is good."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that opens and holds text. `size_bytes` is the uncompressed size as far as known."""

    path: Path
    size_bytes: int
    packing: Packing
    encoding: str

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.packing != "plain"

    @property
    def char_bytes(self) -> int:
        """The bytes of a line end."""
        return 2 if self.encoding.startswith("utf-16") else 1

    def open(self) -> Content:
        """Its uncompressed bytes, from the start."""
        return Content(self.path, self.packing)

    def measured(self) -> LogFile:
        """With its true uncompressed size: a large one is claimed by a damaged file, too."""
        size_bytes = 0
        with suppress(Damaged, SourceUnreadable), self.open() as content:
            while block := content.read(BLOCK_BYTES):
                size_bytes += len(block)
        return replace(self, size_bytes=size_bytes)


class Content:
    """The uncompressed bytes of one open file. Raises OSError when it cannot be opened."""

    def __init__(self, path: Path, packing: Packing) -> None:
        self._path = path
        self._is_packed = packing != "plain"
        self._raw = path.open("rb")
        self._stream = _unpacked(self._raw, packing)
        self._errors = _errors_of(packing)

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._raw.close()

    def read(self, size_bytes: int) -> bytes:
        """The next bytes, at most `size_bytes`; none at the end.

        Raises Damaged, or SourceUnreadable for an error of the disk.
        """
        try:
            # read1, because read would lose what it has when a packed file ends too early.
            return self._stream.read1(size_bytes)
        except self._errors as error:
            raise Damaged from error
        except OSError as error:
            raise SourceUnreadable(
                f"{self._path} cannot be read: {error.strerror or error}",
                "check the file and the disk it is on",
            ) from error

    def skip(self, size_bytes: int) -> None:
        """Leave out the next bytes. Raises as `read` does."""
        if not self._is_packed:
            self._raw.seek(size_bytes, os.SEEK_CUR)
            return
        while size_bytes > 0 and (block := self.read(min(BLOCK_BYTES, size_bytes))):
            size_bytes -= len(block)


def inspect(path: Path) -> LogFile:
    """What kind of log file `path` is. Raises SourceNotFound or SourceUnreadable."""
    _require_regular(path)
    try:
        with path.open("rb") as raw:
            start = raw.read(18)
            packing = next((kind for mark, kind in _MARKS.items() if start.startswith(mark)), None)
            size = _SIZES[packing or "plain"](raw, start)
        with Content(path, packing or "plain") as content:
            head = _first_bytes(content)
    except OSError as error:
        raise SourceUnreadable(
            f"{path} cannot be read: {error.strerror or error}", "check the file's permissions"
        ) from error
    file = LogFile(path, size or 0, packing or "plain", _encoding(path, head))
    return file if size is not None else file.measured()


def _unpacked(raw: IO[bytes], packing: Packing) -> BufferedIOBase:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if packing == "zstd":
        import zstandard

        stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return stream  # type: ignore[return-value]
    return raw  # type: ignore[return-value]


def _errors_of(packing: Packing) -> tuple[type[Exception], ...]:
    if packing == "zstd":
        import zstandard

        return (zstandard.ZstdError, EOFError)
    return (EOFError, zlib.error, gzip.BadGzipFile)


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


def _first_bytes(content: Content) -> bytes:
    try:
        return content.read(_SNIFF_BYTES)
    except Damaged:
        return b""


def _plain_size(raw: IO[bytes], _: bytes) -> int | None:
    return raw.seek(0, os.SEEK_END)


def _gzip_size(raw: IO[bytes], _: bytes) -> int | None:
    # The trailer holds the size of the last member modulo 4 GiB: right for a rotated log, and
    # where it is too small the reading limit still holds.
    if raw.seek(0, os.SEEK_END) < 18:
        return 0
    raw.seek(-4, os.SEEK_END)
    return int.from_bytes(raw.read(4), "little")


def _zstd_size(_: IO[bytes], start: bytes) -> int | None:
    """None where the first frame does not say it, as when it was written to a pipe."""
    import zstandard

    try:
        size = zstandard.frame_content_size(start)
    except zstandard.ZstdError:
        return 0
    return size if size >= 0 else None


_SIZES: dict[Packing, Callable[[IO[bytes], bytes], int | None]] = {
    "plain": _plain_size,
    "gzip": _gzip_size,
    "zstd": _zstd_size,
}


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        raise SourceUnreadable(
            f"{path} is not a text file", "only text logs can be read, plain, gzip or zstd"
        )
    return "utf-8"
