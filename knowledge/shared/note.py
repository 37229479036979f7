"""A note: one short text in a file of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import StoreUnavailable


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
        part = self.path.with_suffix(".part")
        with self._mapped_errors():
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)

    @contextlib.contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"{self.path} cannot be used: {error.strerror}",
                "check that the folder is writable and the disk has room",
            ) from error
