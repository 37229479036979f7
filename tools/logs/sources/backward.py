"""`BackwardSpool`: a log that comes newest record first, turned round on its way into a file.

Read backwards, a log can be stopped at any limit and what is there is its newest part. The turning
needs little memory: records wait in chunks, and the chunks are laid down in reverse in the end.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tools.logs.reader import format_size
from tools.logs.sources.names import file_stem
from tools.logs.sources.origin import Fetched
from tools.logs.sources.spool import MAX_LINE_BYTES, cleaned
from tools.logs.sources.watch import FetchLimits
from tools.scope import LogSource

_CHUNK_BYTES = 128 * 1024


@dataclass(slots=True)
class BackwardSpool:
    """One log, written record by record, newest first; close it in the end.

    `is_full` says that older records are not taken any more.
    """

    folder: Path
    number: int
    name: str
    limits: FetchLimits
    is_full: bool = False
    _lines: int = 0
    _size_bytes: int = 0
    _cut_records: int = 0
    _waiting: list[bytes] = field(default_factory=list)
    _waiting_bytes: int = 0
    _chunks: list[Path] = field(default_factory=list)

    def write(self, record: bytes) -> None:
        """Add the next older record: one line or several, without its last line end."""
        kept = cleaned(record[:MAX_LINE_BYTES]) + b"\n"
        lines = self._lines + kept.count(b"\n")
        size_bytes = self._size_bytes + len(kept)
        self.is_full |= lines > self.limits.max_log_lines or size_bytes > self.limits.max_log_bytes
        if self.is_full:
            return
        self._lines, self._size_bytes = lines, size_bytes
        self._cut_records += len(record) > MAX_LINE_BYTES
        self._waiting.append(kept)
        self._waiting_bytes += len(kept)
        if self._waiting_bytes >= _CHUNK_BYTES:
            self._lay_down(self._stem(f"{len(self._chunks)}.part"))

    def close(self, *notes: str) -> Fetched:
        """The log as it was kept, oldest record first; `notes` are the origin's own."""
        path = self._stem("log")
        self._lay_down(path)
        *newer, _ = self._chunks
        with path.open("ab") as file:
            for chunk in reversed(newer):
                with chunk.open("rb") as part:
                    shutil.copyfileobj(part, file)
                chunk.unlink()
        source = LogSource(self.name, (path,))
        return Fetched(source, self._lines, self._size_bytes, (*notes, *self._own_notes()))

    def _lay_down(self, path: Path) -> None:
        path.write_bytes(b"".join(reversed(self._waiting)))
        self._chunks.append(path)
        self._waiting, self._waiting_bytes = [], 0

    def _stem(self, suffix: str) -> Path:
        return self.folder / f"{file_stem(self.number, self.name)}.{suffix}"

    def _own_notes(self) -> list[str]:
        notes = []
        if self.is_full:
            notes.append("older records exceed the limit and were left out")
        if self._cut_records:
            limit = format_size(MAX_LINE_BYTES)
            notes.append(f"{self._cut_records:,} records longer than {limit} were cut")
        return notes
