"""Where the audit log lies: numbered files, the lock that writers hold, and how files are read.

`audit-000001.jsonl`, `audit-000002.jsonl` and so on; the last one is written to. Those before it
may be compressed with gzip (`audit-000001.jsonl.gz`) or taken away.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from assistant.audit.record import MAX_LINE_BYTES
from assistant.errors import AuditError

_NAME = re.compile(r"audit-(\d{6,9})\.jsonl(\.gz)?")
_LOCK = "lock"
_LOCK_POLL_S = 0.01
LOCK_TIMEOUT_S = 10.0


class FileDamaged(Exception):
    """A compressed file is broken; what was read before is as it was."""


@dataclass(frozen=True, slots=True)
class AuditFile:
    """One file of the log. `name` is the one that it was written under, compressed or not."""

    number: int
    path: Path

    @property
    def name(self) -> str:
        """Its name while it was written to."""
        return file_name(self.number)

    def lines(self, start: int = 0, size_bytes: int | None = None) -> Iterator[bytes]:
        """The lines from the (uncompressed) byte `start` on, each with its line break.

        At most `size_bytes` of them are read. What is too long for a record comes in pieces.
        Raises OSError, and FileDamaged.
        """
        with closing(self._open()) as stream:
            try:
                stream.seek(start)
                yield from _lines(stream, size_bytes)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise FileDamaged(str(error)) from error

    def _open(self) -> BinaryIO:
        if self.path.suffix == ".gz":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        return self.path.open("rb")


def file_name(number: int) -> str:
    """The name of the file with that number."""
    return f"audit-{number:06}.jsonl"


def find_files(folder: Path) -> list[AuditFile]:
    """The files in `folder` in their order; of one that is there twice, the uncompressed one."""
    if not folder.is_dir():
        return []
    found: dict[int, AuditFile] = {}
    # The longer name of a compressed one comes first, and the other then takes its place.
    for path in sorted(folder.iterdir(), key=lambda path: len(path.name), reverse=True):
        match = _NAME.fullmatch(path.name)
        if match and path.name.startswith(file_name(int(match[1]))):
            found[int(match[1])] = AuditFile(int(match[1]), path)
    return [found[number] for number in sorted(found)]


@contextmanager
def write_lock(folder: Path, timeout_s: float) -> Iterator[None]:
    """Hold the log alone. Raises AuditError when others hold it for so long, and OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with _lock(os.open(folder / _LOCK, flags, 0o600), fcntl.LOCK_EX, timeout_s):
        yield


@contextmanager
def read_lock(folder: Path, timeout_s: float) -> Iterator[None]:
    """Keep writers away; nothing where nobody has ever written, as in a copy of a log.

    Raises AuditError when one writes for so long, and OSError.
    """
    if not (folder / _LOCK).exists():
        yield
        return
    descriptor = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with _lock(descriptor, fcntl.LOCK_SH, timeout_s):
        yield


@contextmanager
def _lock(descriptor: int, operation: int, timeout_s: float) -> Iterator[None]:
    """Hold the lock on the open file, which is closed at the end."""
    try:
        deadline = time.monotonic() + timeout_s
        while not _is_taken(descriptor, operation):
            if time.monotonic() >= deadline:
                raise AuditError(
                    f"another process has held the audit log for {timeout_s:g} s",
                    "try again; look for a midwatch that hangs",
                )
            time.sleep(_LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lines(stream: BinaryIO, size_bytes: int | None) -> Iterator[bytes]:
    left = size_bytes
    while left is None or left > 0:
        line = stream.readline(MAX_LINE_BYTES if left is None else min(left, MAX_LINE_BYTES))
        if not line:
            return
        left = None if left is None else left - len(line)
        yield line
