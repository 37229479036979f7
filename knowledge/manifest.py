"""Which documents the knowledge base holds: the list that makes an ingest all or nothing.

Chroma has no transactions. So a document's chunks are written under a new version number first, and
then this SQLite file makes that version the current one in a single transaction. Chunks of any
other version are not there as far as a search is concerned: an ingest that is killed leaves each
document wholly old or wholly new, and rows that tell the next one what to sweep away.

It also answers "is there anything to search in" without loading Chroma.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import StoreUnavailable
from knowledge.files import SourceFile

_FORMAT = 1  # raised when the tables, or what the store keeps beside them, change

_CREATE_TABLE = """
CREATE TABLE documents (
    version INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
    path    TEXT NOT NULL,
    display TEXT NOT NULL,
    digest  TEXT NOT NULL,
    chunks  INTEGER NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('writing', 'current', 'stale'))
)
"""
_CREATE_INDEX = "CREATE UNIQUE INDEX current_path ON documents (path) WHERE state = 'current'"
_SELECT_CURRENT = (
    "SELECT version, path, display, digest, chunks FROM documents WHERE state = 'current'"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as it is held: `digest` stands for its content, `chunks` is their number."""

    file: SourceFile
    digest: str
    chunks: int


class Manifest:
    """The list, in one SQLite file that the first write makes; safe to share between threads.

    Only the holder of the ingest lock writes. Every call may raise StoreUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def current(self) -> dict[int, Entry]:
        """The documents that count, by version."""
        return _entries(self._read(_SELECT_CURRENT))

    def current_among(self, versions: Iterable[int]) -> dict[int, Entry]:
        """Those of `versions` that count."""
        numbers = list(versions)
        marks = ", ".join("?" * len(numbers))
        return _entries(self._read(f"{_SELECT_CURRENT} AND version IN ({marks})", numbers))

    def unfinished(self) -> list[int]:
        """The versions that do not count, or not any more; the store may hold chunks of them."""
        return [
            row[0] for row in self._read("SELECT version FROM documents WHERE state <> 'current'")
        ]

    def totals(self) -> tuple[int, int]:
        """The number of documents that count, and of their chunks."""
        rows = self._read(
            "SELECT count(*), coalesce(sum(chunks), 0) FROM documents WHERE state = 'current'"
        )
        return (rows[0][0], rows[0][1]) if rows else (0, 0)

    def begin(self, entries: Iterable[Entry]) -> list[int]:
        """New versions for `entries`, in their order; none counts before it is published."""
        with self._transaction() as database:
            return [_insert(database, entry) for entry in entries]

    def publish(self, versions: Sequence[int]) -> None:
        """Let `versions` count from now on, all at once, in place of older ones of their paths."""
        numbers = [(version,) for version in versions]
        with self._transaction() as database:
            database.executemany(
                "UPDATE documents SET state = 'stale' WHERE state = 'current'"
                " AND path = (SELECT path FROM documents WHERE version = ?)",
                numbers,
            )
            database.executemany(
                "UPDATE documents SET state = 'current' WHERE version = ?", numbers
            )

    def retire(self, versions: Iterable[int]) -> None:
        """Let `versions` no longer count."""
        self._write(
            "UPDATE documents SET state = 'stale' WHERE version = ?",
            [(version,) for version in versions],
        )

    def relabel(self, version: int, display: str) -> None:
        """Show the document of `version` under another path."""
        self._write("UPDATE documents SET display = ? WHERE version = ?", [(display, version)])

    def forget(self, versions: Iterable[int]) -> None:
        """Drop `versions`: the store holds nothing of them any more."""
        self._write("DELETE FROM documents WHERE version = ?", [(version,) for version in versions])

    def _read(self, statement: str, values: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        with self._transaction() as database:
            return database.execute(statement, values).fetchall()

    def _write(self, statement: str, rows: Sequence[tuple[int | str, ...]]) -> None:
        if rows:
            with self._transaction() as database:
                database.executemany(statement, rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as database:
                database.execute("BEGIN")
                self._require_format(database)
                yield database
                database.execute("COMMIT")  # closing without it rolls back
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"the list of documents {self.path} cannot be used: {error}",
                "check that the folder is writable and the disk has room; if it is damaged, "
                f"delete {self.path.parent} and ingest again",
            ) from error

    def _require_format(self, database: sqlite3.Connection) -> None:
        (found,) = database.execute("PRAGMA user_version").fetchone()
        if found == 0:
            database.execute(_CREATE_TABLE)
            database.execute(_CREATE_INDEX)
            database.execute(f"PRAGMA user_version = {_FORMAT}")
        elif found != _FORMAT:
            raise StoreUnavailable(
                f"{self.path.parent} was written by another version of midwatch"
                f" (format {found}, this one reads {_FORMAT})",
                f"delete {self.path.parent} and ingest again",
            )


def _entries(rows: Iterable[tuple[Any, ...]]) -> dict[int, Entry]:
    return {
        version: Entry(SourceFile(Path(path), display), digest, chunks)
        for version, path, display, digest, chunks in rows
    }


def _insert(database: sqlite3.Connection, entry: Entry) -> int:
    cursor = database.execute(
        "INSERT INTO documents (path, display, digest, chunks, state)"
        " VALUES (?, ?, ?, ?, 'writing')",
        (str(entry.file.path), entry.file.display, entry.digest, entry.chunks),
    )
    assert cursor.lastrowid is not None, "an INSERT has a row id"
    return cursor.lastrowid
