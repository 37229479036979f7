"""A model file on its way: the front part that has arrived so far, and its digest.

It lies beside its final place under a name of its own, survives whatever ends the process, and is
taken up by the next pull. Whether it is good is the pull's decision.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from assistant.models.digest import digest_file


class PartialFile:
    """The bytes of a file from its beginning to `size`; opens what an earlier pull left at `path`.

    One process at a time may hold it: the caller has the lock. An empty one is removed on leaving.
    """

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        self._path = path
        path.touch()
        # The earlier bytes are read once, so that the digest covers the whole file in the end.
        self._digest = digest_file(path, on_read)
        self.size = path.stat().st_size
        self._stream = path.open("ab")

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.size == 0:
            self.discard()
        else:
            self._stream.close()

    @property
    def sha256(self) -> str:
        """The digest of all bytes so far."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append `chunk`. Raises OSError when the disk is full."""
        self._stream.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def commit(self, path: Path) -> None:
        """Take the name `path`, replacing what is there, once every byte is on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._path.replace(path)
        sync_folder(path.parent)

    def discard(self) -> None:
        """Give the space back; nothing is left."""
        # Closing writes out what is buffered, and a full disk refuses that as well.
        with contextlib.suppress(OSError):
            self._stream.close()
        self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have what was renamed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
