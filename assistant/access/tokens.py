"""The API tokens of one data folder: a SQLite file that several processes use at once.

What a token lets its holder do is the server's business; here is only which token it is.
"""

from __future__ import annotations

import hmac
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assistant.access.errors import TokenError
from assistant.access.token import (
    Token,
    digest_of,
    known_front,
    known_scopes,
    new_token,
    read_text,
    text_of,
)
from assistant.errors import DataFolderError

_log = logging.getLogger(__name__)

FILE_NAME = "tokens.db"
_USED_EVERY = timedelta(minutes=1)
_BUSY_TIMEOUT_S = 10.0
_BUSY_PAUSE_S = 0.01
_VERSION = 1
_SCHEMA = """
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, front TEXT NOT NULL,
        digest BLOB NOT NULL,  -- SHA-256 of the secret
        created_at_utc TEXT NOT NULL, expires_at_utc TEXT, last_used_at_utc TEXT,
        revoked_at_utc TEXT
    )
"""
_COLUMNS = (
    "id, name, scopes, front, created_at_utc, expires_at_utc, last_used_at_utc, revoked_at_utc"
)
_SELECT = f"SELECT {_COLUMNS}, digest FROM tokens ORDER BY created_at_utc, rowid"
_INSERT = f"INSERT INTO tokens ({_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REVOKE = "UPDATE tokens SET revoked_at_utc = ? WHERE id = ? AND revoked_at_utc IS NULL"
_USE = "UPDATE tokens SET last_used_at_utc = ? WHERE id = ?"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TokenStore:
    """The tokens of one data folder, usable from any thread; open it with `TokenStore.open`.

    What other processes change is noticed at the next `verify`.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._in_use = threading.Lock()
        self._database = self._connect(_BUSY_TIMEOUT_S)
        self._inode = _inode(path)
        self._version_seen: int | None = None
        self._known: dict[str, tuple[Token, bytes]] = {}
        self._use_noted: dict[str, datetime] = {}

    @classmethod
    @contextmanager
    def open(cls, data_dir: Path, now: Callable[[], datetime] = _utc_now) -> Iterator[TokenStore]:
        """The tokens in `data_dir`, which is made for this user only. Raises DataFolderError."""
        path = data_dir / FILE_NAME
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never opened here: closing a file gives up the locks that SQLite holds on it.
            path.touch(0o600)
            path.chmod(0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        with _mapped(path):
            store = cls(path, now)
        with closing(store._database):
            with _mapped(path):
                _begin_write_ahead_log(store._database)
                _prepare(store._database, path)
            yield store

    def create(
        self,
        name: str,
        scopes: Collection[str],
        *,
        lasts: timedelta | None = None,
        front: str | None = None,
    ) -> tuple[Token, str]:
        """A new token and its text, which nothing can show again; without `lasts` it never expires.

        Raises TokenError for a name, scope or front that cannot be, and DataFolderError.
        """
        token, secret = new_token(name, scopes, self._now(), lasts=lasts, front=front)
        with self._changing() as database:
            database.execute(_INSERT, [*_row(token), digest_of(secret)])
        return token, text_of(token, secret)

    def list(self) -> tuple[Token, ...]:
        """All tokens, revoked and expired ones too, the oldest first. Raises DataFolderError."""
        with self._in_use, _mapped(self._path):
            self._refresh()
            return tuple(token for token, _ in self._known.values())

    def revoke(self, token_id: str) -> Token:
        """End the token for good, at once in every process; no harm when it is ended already.

        Raises TokenError when there is none of this id, and DataFolderError.
        """
        with self._changing() as database:
            database.execute(_REVOKE, [_text(self._now()), token_id])
        for token in self.list():
            if token.id == token_id:
                return token
        raise TokenError(f"there is no token {token_id!r}", "list them: midwatch tokens list")

    def verify(self, text: str) -> Token | None:
        """The token that `text` is, if it may be used now; nobody learns why not otherwise.

        Microseconds, save once a minute for each token, when its use is noted. Raises
        DataFolderError when the tokens cannot be read.
        """
        read = read_text(text)
        if read is None:
            return None
        token_id, given = read
        with self._in_use, _mapped(self._path):
            self._refresh()
            token, digest = self._known.get(token_id, (None, bytes(len(given))))
        # Compared in any case, and in constant time: an unknown id takes as long as a wrong secret.
        is_right = hmac.compare_digest(given, digest)
        now = self._now()
        if token is None or not is_right or token.status(now) != "valid":
            return None
        self._note_use(token, now)
        return token

    def _refresh(self) -> None:
        """Read the tokens again when any process has changed the file; costs microseconds.

        A file that was put in its place, or removed, would never change here: refused.
        """
        if _inode(self._path) != self._inode:
            raise DataFolderError(
                f"{self._path} was replaced while it was in use", "start the server again"
            )
        [version] = self._database.execute("PRAGMA data_version").fetchone()
        if version != self._version_seen:
            rows = self._database.execute(_SELECT).fetchall()
            self._known = {row[0]: (_token(row[:-1]), row[-1]) for row in rows}
            self._version_seen = version

    def _note_use(self, token: Token, now: datetime) -> None:
        """Note when it was used, at most once a minute; that it cannot be noted is no refusal."""
        noted = (self._use_noted.get(token.id), token.last_used_at_utc)
        # A clock that was set back counts as time that has passed.
        if any(last is not None and abs(now - last) < _USED_EVERY for last in noted):
            return
        self._use_noted[token.id] = now
        try:
            with closing(self._connect(0.0)) as database:
                # Whole in any case, but not worth waiting for the disk.
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute(_USE, [_text(now), token.id])
        except sqlite3.Error as error:
            _log.warning("the use of the token %s was not noted: %s", token.name, error)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A connection for one change, which waits for those of other processes.

        Not the one that reads: only of others' changes does SQLite tell it.
        """
        with _mapped(self._path), closing(self._connect(_BUSY_TIMEOUT_S)) as database:
            yield database

    def _connect(self, timeout_s: float) -> sqlite3.Connection:
        return sqlite3.connect(
            # A file that was removed is not made again, for others to read.
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _begin_write_ahead_log(database: sqlite3.Connection) -> None:
    """Whoever verifies then waits for no change; it does not wait by itself for other processes."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make the table of a new file. Raises DataFolderError on a file of another version."""
    database.execute("BEGIN IMMEDIATE")  # another process may be making it at this moment
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        raise DataFolderError(
            f"{path} was written by another version of midwatch",
            "move it away, or use the midwatch that wrote it",
        )
    if version == 0:
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _row(token: Token) -> list[str | None]:
    times = (token.expires_at_utc, token.last_used_at_utc, token.revoked_at_utc)
    return [
        token.id,
        token.name,
        " ".join(token.scopes),
        token.front or "",
        _text(token.created_at_utc),
        *(None if time is None else _text(time) for time in times),
    ]


def _token(row: tuple[str, ...]) -> Token:
    token_id, name, scopes, front, created, *times = row
    expires, last_used, revoked = (None if text is None else _time(text) for text in times)
    return Token(
        token_id,
        name,
        # A scope that a newer midwatch knows opens nothing here.
        known_scopes(scopes.split()),
        _time(created),
        known_front(front),
        expires,
        last_used,
        revoked,
    )


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """The one place where the errors of SQLite, and of a damaged row, become ours."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> DataFolderError:
    return DataFolderError(
        f"the tokens in {path} cannot be used: {error}",
        "check its permissions and free space, or choose another folder: [data] dir",
    )
