"""The sessions in PostgreSQL, for processes on many machines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from assistant.approvals.owner import Owners
from assistant.postgres.connection import marked, storable
from assistant.postgres.owners import PATIENCE_S, PostgresOwners
from assistant.postgres.pools import LoopPool, open_loop_pool
from assistant.postgres.schema import migrate
from assistant.sessions.database import CheckpointTables, Row, Statements, Value
from assistant.sessions.leases import Leases
from assistant.sessions.schema import POSTGRES_MIGRATIONS
from assistant.sessions.store import SessionStore

if TYPE_CHECKING:
    import psycopg

_MAX_CONNECTIONS = 10
_CHECKPOINT_TABLES = CheckpointTables(
    present=(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
        " AND tablename IN ('checkpoints', 'checkpoint_writes', 'checkpoint_blobs')"
    ),
    unnumbered=("checkpoint_blobs",),
    sweep="""
        DELETE FROM checkpoint_blobs WHERE thread_id = ? AND NOT EXISTS (
            SELECT 1 FROM checkpoints, jsonb_each_text(checkpoint -> 'channel_versions') AS used
            WHERE checkpoints.thread_id = checkpoint_blobs.thread_id
            AND checkpoints.checkpoint_ns = checkpoint_blobs.checkpoint_ns
            AND used.key = channel AND used.value = version
        )
    """,
)


class PostgresDatabase:
    """The tables of the sessions (a `Database`)."""

    checkpoint_tables = _CHECKPOINT_TABLES

    def __init__(self, pool: LoopPool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """See `Database.fetch`."""
        async with self._pool.connection() as connection:
            return await _Statements(connection).fetch(statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Statements]:
        """See `Database.transaction`."""
        async with self._pool.connection() as connection, connection.transaction():
            yield _Statements(connection)


class _Statements:
    """A transaction that is open (`Statements`)."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def fetch(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """See `Statements.fetch`."""
        cursor = await self._connection.execute(marked(statement), storable(values))
        return await cursor.fetchall()

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """See `Statements.execute`."""
        cursor = await self._connection.execute(marked(statement), storable(values))
        return cursor.rowcount

    async def execute_many(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """See `Statements.execute_many`."""
        async with self._connection.cursor() as cursor:
            await cursor.executemany(marked(statement), [storable(row) for row in rows])


@asynccontextmanager
async def open_shared_sessions(
    address: str, patience_s: float = PATIENCE_S
) -> AsyncIterator[SessionStore]:
    """The sessions in the database at `address`, whose tables are made. Raises DataFolderError.

    `patience_s`: see `PostgresOwners`.
    """
    await asyncio.to_thread(migrate, address, "sessions", POSTGRES_MIGRATIONS)
    owners = PostgresOwners(address, patience_s)
    async with (
        _at_work(owners) as owner,
        open_loop_pool(address, _MAX_CONNECTIONS) as pool,
        _leases(PostgresDatabase(pool), owners, owner) as leases,
    ):
        yield SessionStore(PostgresDatabase(pool), leases, owners, pool)


@asynccontextmanager
async def _at_work(owners: Owners) -> AsyncIterator[str]:
    """`Owners.holding`, which blocks."""
    holding = owners.holding()
    owner = await asyncio.to_thread(holding.__enter__)
    try:
        yield owner
    finally:
        await asyncio.to_thread(holding.__exit__, None, None, None)


@asynccontextmanager
async def _leases(database: PostgresDatabase, owners: Owners, owner: str) -> AsyncIterator[Leases]:
    leases = Leases(database, owners, owner)
    try:
        yield leases
    finally:
        await leases.close()
