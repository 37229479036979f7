"""The approvals on disk: one SQLite file that many processes use at once.

A change is on the disk when it is reported (`synchronous = FULL`), and takes place whole or not at
all. One connection serves all threads of a process, one after the other; a child process that was
forked must open its own.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from assistant.approvals.columns import MIGRATIONS
from assistant.approvals.rows import Rows
from assistant.errors import DataFolderError

FILE_NAME = "approvals.db"
# How long a change waits for those of other processes.
_BUSY_TIMEOUT_S = 30.0
_BUSY_PAUSE_S = 0.01


class ApprovalStore:
    """The approvals of one data folder; open it with `open_store`. Usable from any thread."""

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._database = database
        self._in_use = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """The approvals as they are at one moment. Raises DataFolderError."""
        with self._transaction("BEGIN") as rows:
            yield rows

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """The approvals, which nobody else changes meanwhile. Raises DataFolderError.

        What was changed is there for all when the block ends, and undone when it raises.
        """
        with self._transaction("BEGIN IMMEDIATE") as rows:
            yield rows

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Rows]:
        with self._in_use, _mapped(self.path):
            self._database.execute(begin)
            try:
                yield Rows(self._database)
                self._database.execute("COMMIT")
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")


@contextmanager
def open_store(data_dir: Path) -> Iterator[ApprovalStore]:
    """The approvals in `data_dir`, which is made for this user only. Raises DataFolderError."""
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opened here: closing a file gives up the locks that SQLite holds on it.
        path.touch(0o600)
        path.chmod(0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    with _mapped(path):
        database = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
    with closing(database):
        with _mapped(path):
            _begin_write_ahead_log(database)
            database.execute("PRAGMA synchronous = FULL")
            _migrate(database, path)
        yield ApprovalStore(database, path)


def _begin_write_ahead_log(database: sqlite3.Connection) -> None:
    """Done once for a file; it does not wait by itself while others use the file."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to today's form. Raises DataFolderError on a newer one."""
    database.execute("BEGIN IMMEDIATE")  # another process may be doing it at this moment
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DataFolderError(
            f"{path} was written by a newer version of midwatch",
            "move it away, or use the midwatch that wrote it",
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in (*statements, f"PRAGMA user_version = {number}"):
            database.execute(statement)
    database.execute("COMMIT")


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
