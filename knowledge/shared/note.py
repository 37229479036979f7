"""A note: one short text in a file of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import StoreUnavailable
from knowledge.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Note:
    """The text in the file `path`; one process writes it at a time. Raises StoreUnavailable."""

    path: Path

    def read(self) -> str | None:
        """The text; None when it was never written."""
        with self._mapped_errors():
            try:
                return self.path.read_text(encoding="utf-8")
            except FileNotFoundError:
                return None

    def write(self, text: str) -> None:
        """Let this be the text; after a crash it is the old one or the new one."""
        with self._mapped_errors():
            write_whole(self.path, lambda part: part.write_text(text, encoding="utf-8"))

    @contextlib.contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"{self.path} cannot be used: {error.strerror}",
                "check that the folder is writable and the disk has room",
            ) from error
