"""The sessions in one SQLite file of the data folder, for the processes of one machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite

from assistant.approvals.owner import FileOwners
from assistant.errors import DataFolderError
from assistant.sessions.database import CheckpointTables, Row, Statements, Value
from assistant.sessions.locks import FileLocks
from assistant.sessions.schema import MIGRATIONS
from assistant.sessions.store import SessionStore

# How long a write waits for another process's.
_BUSY_TIMEOUT_S = 10.0
_CHECKPOINT_TABLES = CheckpointTables(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('checkpoints', 'writes')"
)


class FileDatabase:
    """The tables of a file (a `Database`)."""

    checkpoint_tables = _CHECKPOINT_TABLES

    def __init__(self, connection: aiosqlite.Connection, data_dir: Path) -> None:
        self._connection = connection
        self._data_dir = data_dir
        self._writing = asyncio.Lock()

    async def fetch(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """See `Database.fetch`."""
        with _mapped(self._data_dir):
            return await _Statements(self._connection).fetch(statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Statements]:
        """See `Database.transaction`."""
        with _mapped(self._data_dir):
            async with self._writing:
                try:
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield _Statements(self._connection)
                except BaseException:
                    await self._connection.rollback()
                    raise
                await self._connection.commit()


class _Statements:
    """A transaction that is open (`Statements`)."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """See `Statements.fetch`."""
        return list(await self._connection.execute_fetchall(statement, values))

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """See `Statements.execute`."""
        async with self._connection.execute(statement, values) as cursor:
            return cursor.rowcount

    async def execute_many(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """See `Statements.execute_many`."""
        await self._connection.executemany(statement, rows)


@asynccontextmanager
async def open_sessions(data_dir: Path) -> AsyncIterator[SessionStore]:
    """The sessions in `data_dir`, which is created for this user only. Raises DataFolderError."""
    locks, database = data_dir / "locks", data_dir / "sessions.db"
    try:
        await asyncio.to_thread(_make_folders, data_dir, locks)
        # The data folder may be older than this and open to other users; questions are not.
        await asyncio.to_thread(database.touch, 0o600)
    except OSError as error:
        raise _unusable(data_dir, error) from error
    with _mapped(data_dir):
        async with (
            aiosqlite.connect(database, timeout=_BUSY_TIMEOUT_S) as connection,
            aiosqlite.connect(database, timeout=_BUSY_TIMEOUT_S) as checkpoints,
        ):
            await connection.execute("PRAGMA journal_mode = WAL")
            await _prepare(connection, database)
            yield SessionStore(
                FileDatabase(connection, data_dir), FileLocks(locks), FileOwners(locks), checkpoints
            )


async def _prepare(connection: aiosqlite.Connection, database: Path) -> None:
    """Bring the tables to today's form. Raises DataFolderError on a newer one."""
    # One transaction: another process may be doing it at this moment.
    await connection.execute("BEGIN IMMEDIATE")
    [(version,)] = await connection.execute_fetchall("PRAGMA user_version")
    [(num_tables,)] = await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")
    if version > len(MIGRATIONS) or (num_tables and not version):
        raise DataFolderError(
            f"{database} was written by another version of midwatch",
            "move it away, or use the midwatch that wrote it",
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in (*statements, f"PRAGMA user_version = {number}"):
            await connection.execute(statement)
    await connection.commit()


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _mapped(data_dir: Path) -> Iterator[None]:
    """The one place where SQLite's errors become ours."""
    try:
        yield
    except aiosqlite.DatabaseError as error:
        raise _unusable(data_dir, error) from error


def _unusable(data_dir: Path, error: Exception) -> DataFolderError:
    return DataFolderError(
        f"the data folder {data_dir} cannot be used: {error}",
        "check its permissions and free space, or choose another: [data] dir",
    )
