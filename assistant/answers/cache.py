"""`AnswerCache`: answers on disk, for all processes of one data folder.

Whatever goes wrong with it is logged, and is then as if nothing had been kept. A damaged file is
removed: all that is in it can be worked out again.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from assistant.answers.kept import KeptAnswer
from assistant.answers.key import AnswerKey

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

FILE_NAME = "answers.db"
_BUSY_TIMEOUT_S = 2.0
_FORMAT = 1
_SCHEMA = """
    CREATE TABLE answers (
        key TEXT PRIMARY KEY, session TEXT NOT NULL, kept_at REAL NOT NULL, ends_at REAL NOT NULL,
        used_at REAL NOT NULL, size_bytes INTEGER NOT NULL, body BLOB NOT NULL
    )
"""
_FIND = "SELECT body FROM answers WHERE key = ? AND kept_at <= ? AND kept_at > ? AND ends_at > ?"
_DROP_OVER = "DELETE FROM answers WHERE ends_at <= ? OR kept_at > ? OR kept_at <= ?"
# The least recently used of what does not fit any more.
_DROP_MOST = """
    DELETE FROM answers WHERE key IN (
        SELECT key FROM (
            SELECT key, sum(size_bytes) OVER (ORDER BY used_at DESC, rowid DESC) AS total
            FROM answers
        ) WHERE total > ?
    )
"""
_SPOILED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
# No answer takes more than this part of all the room.
_MOST_OF_ALL = 4


class AnswerCache:
    """Answers in `folder`, at most `max_bytes` of them and none older than `max_age_s`.

    Usable from any thread; every call opens the file anew, and takes about a millisecond.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        max_age_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = folder / FILE_NAME
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._clock = clock

    def look(self, key: AnswerKey) -> KeptAnswer | None:
        """The answer that was kept under `key`; None when there is none that is still good."""
        body = self._attempt(lambda database: self._found(database, key.digest))
        if body is None:
            return None
        try:
            return KeptAnswer.from_json(body)
        except ValueError as error:
            _log.warning("an answer in %s is damaged: %s", self._path, error)
            self._attempt(lambda database: _forget(database, "key", key.digest))
            return None

    def keep(self, key: AnswerKey, answer: KeptAnswer, session: str) -> None:
        """Keep the answer that was given in `session`, in place of one of the same key."""
        try:
            body = answer.to_json()
        except ValueError as error:
            _log.info("an answer cannot be kept: %s", error)
            return
        if len(body) <= self._max_bytes // _MOST_OF_ALL:
            self._attempt(lambda database: self._put(database, key, body, session))

    def forget_session(self, session: str) -> None:
        """Drop the answers that were given in `session`: it is deleted, with all it says."""
        if self._path.exists():
            self._attempt(lambda database: _forget(database, "session", session))

    def _found(self, database: sqlite3.Connection, digest: str) -> bytes | None:
        now = self._clock()
        row = database.execute(_FIND, [digest, now, now - self._max_age_s, now]).fetchone()
        if row is None:
            return None
        database.execute("UPDATE answers SET used_at = ? WHERE key = ?", [now, digest])
        return bytes(row[0])

    def _put(self, database: sqlite3.Connection, key: AnswerKey, body: bytes, session: str) -> None:
        now = self._clock()
        max_age_s = self._max_age_s if key.max_age_s is None else key.max_age_s
        row = [key.digest, session, now, now + max_age_s, now, len(body), body]
        database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        database.execute(_DROP_OVER, [now, now, now - self._max_age_s])
        database.execute(_DROP_MOST, [self._max_bytes])

    def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """What `work` makes of the file, within one transaction; None when it cannot be used."""
        try:
            with closing(self._connect()) as database:
                result = work(database)
                database.execute("COMMIT")
                return result
        except sqlite3.Error as error:
            _log.warning("kept answers in %s cannot be used: %s", self._path, error)
            if isinstance(error, sqlite3.DatabaseError) and _is_spoiled(error):
                self._remove()
        except OSError as error:
            _log.warning("no answers can be kept in %s: %s", self._path, error)
        return None

    def _connect(self) -> sqlite3.Connection:
        """The file, made for this user only, with a transaction begun. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(0o600)
        database = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        try:
            # Losing it costs nothing but time; what is deleted is overwritten.
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA secure_delete = ON")
            database.execute("BEGIN IMMEDIATE")
            _prepare(database)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _remove(self) -> None:
        for suffix in ("", "-journal"):
            path = self._path.with_name(FILE_NAME + suffix)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("%s is damaged and cannot be removed: %s", path, error)


def _prepare(database: sqlite3.Connection) -> None:
    """Make the table of a new file, or anew in the file of another version."""
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version != _FORMAT:
        database.execute("DROP TABLE IF EXISTS answers")
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA user_version = {_FORMAT}")


def _forget(database: sqlite3.Connection, column: str, value: str) -> None:
    database.execute(f"DELETE FROM answers WHERE {column} = ?", [value])


def _is_spoiled(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is damaged, not only busy, full or read-only."""
    # The low byte is the kind of failure, the rest says more about it.
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _SPOILED
