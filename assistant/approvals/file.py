"""The approvals in one SQLite file, for the processes of one machine.

A change is on the disk when it is reported (`synchronous = FULL`). One connection serves all
threads of a process, one after the other; a child process that was forked must open its own.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from assistant.approvals.columns import MIGRATIONS
from assistant.errors import DataFolderError

FILE_NAME = "approvals.db"
# How long a change waits for those of other processes.
_BUSY_TIMEOUT_S = 30.0
_BUSY_PAUSE_S = 0.01


class FileDatabase:
    """The file `path` (a `Database`); open it with `open_file`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._in_use = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See `Database.reading`."""
        with self._transaction("BEGIN") as statements:
            yield statements

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """See `Database.writing`."""
        with self._transaction("BEGIN IMMEDIATE") as statements:
            yield statements

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._in_use, _mapped(self._path):
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


@contextmanager
def open_file(path: Path) -> Iterator[FileDatabase]:
    """The approvals in `path`; file and folder are made for this user only.

    Raises DataFolderError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opened here: closing a file gives up the locks that SQLite holds on it.
        path.touch(0o600)
        path.chmod(0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    with _mapped(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
    with closing(connection):
        with _mapped(path):
            _begin_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, path)
        yield FileDatabase(connection, path)


def _begin_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Done once for a file; it does not wait by itself while others use the file."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to today's form. Raises DataFolderError on a newer one."""
    connection.execute("BEGIN IMMEDIATE")  # another process may be doing it at this moment
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DataFolderError(
            f"{path} was written by a newer version of midwatch",
            "move it away, or use the midwatch that wrote it",
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in (*statements, f"PRAGMA user_version = {number}"):
            connection.execute(statement)
    connection.execute("COMMIT")


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """The one place where SQLite's errors become ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> DataFolderError:
    return DataFolderError(
        f"the approvals in {path} cannot be used: {error}",
        "check its permissions and free space, or choose another folder: [data] dir",
    )
