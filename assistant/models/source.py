"""`Source`: a place that a model file can be read from, at any offset."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Protocol

from assistant.models.catalog import CatalogEntry

OnIncoming = Callable[[int], None]


class SourceFailed(Exception):
    """A source cannot deliver the file, or the rest of it; says why in a few words.

    Never reaches a person as it is: the pull turns to the next source, and words the last failure.
    """


class Source(Protocol):
    """A place to read a model file from. Its bytes are checked by the pull, not by the source."""

    name: str

    def scratch_bytes(self, entry: CatalogEntry) -> int:
        """Disk space that a read needs beside the file itself, at most."""
        ...

    def read(
        self, entry: CatalogEntry, start: int, scratch: Path, on_incoming: OnIncoming
    ) -> Generator[bytes]:
        """The file's bytes from offset `start` on, never more than `entry.size_bytes` in all.

        `scratch` is an empty folder for temporary files, emptied by the caller. `on_incoming` is
        told, several times a second while nothing is yielded, how many bytes are on their way; it
        may raise to cancel. Raises SourceFailed; what was yielded until then is good.
        """
        ...
