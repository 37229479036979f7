"""Standard input as evidence: what is piped in lies in a file while a command runs."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from assistant.cli.output import working

_MAX_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 20


@contextmanager
def spooled_stdin(*, wanted: bool = True) -> Iterator[Path | None]:
    """Standard input in a file of this user's own, when something is piped in; else None.

    Raises SourceUnreadable when it does not end within 1 GiB.
    """
    if not (wanted and _is_piped()):
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="midwatch-stdin-", suffix=".txt") as file:
        with working("reading standard input"):
            _copy(sys.stdin.buffer, file, _MAX_BYTES)
            file.flush()
        yield Path(file.name) if file.tell() else None


def _is_piped() -> bool:
    mode = os.fstat(sys.stdin.fileno()).st_mode if sys.stdin else 0
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _copy(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    """Copy at most `limit` bytes: an endless pipe must not fill the disk."""
    while block := source.read(_BLOCK_BYTES):
        limit -= len(block)
        if limit < 0:
            from tools.errors import SourceUnreadable

            raise SourceUnreadable(
                "there is more than 1 GiB on standard input",
                "pipe less of it in, or write it to a file and attach that with -f",
            )
        target.write(block)
