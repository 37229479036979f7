"""The approvals in PostgreSQL, for processes on many machines.

Changes keep each other out as they do in a file: one lock for all of them, held from the first
statement to the commit. So nothing has to be tried again, and no record is given to the audit
twice. Acts are few; each change holds the lock for as long as the audit's disk takes to write.

Sessions of the server are needed: a proxy that lends its connections for single statements or
transactions loses the locks of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from assistant.approvals.columns import POSTGRES_MIGRATIONS, Value
from assistant.approvals.database import Cursor
from assistant.approvals.store import ApprovalStore
from assistant.postgres.connection import marked, storable
from assistant.postgres.owners import PATIENCE_S, PostgresOwners
from assistant.postgres.pools import ThreadPool, open_thread_pool
from assistant.postgres.schema import migrate

if TYPE_CHECKING:
    import psycopg

_MAX_CONNECTIONS = 4
_AT_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('approvals ' || current_schema(), 0))"


class PostgresDatabase:
    """The tables of the approvals (a `Database`)."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool

    @contextmanager
    def reading(self) -> Iterator[_Statements]:
        """See `Database.reading`."""
        with self._transaction(_AT_ONE_MOMENT) as statements:
            yield statements

    @contextmanager
    def writing(self) -> Iterator[_Statements]:
        """See `Database.writing`."""
        with self._transaction(_ALONE) as statements:
            yield statements

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[_Statements]:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(begin)
            yield _Statements(connection)


class _Statements:
    """A transaction that is open (`Statements`)."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Value] = ()) -> Cursor:
        """See `Statements.execute`."""
        return self._connection.execute(marked(statement), storable(values))


@contextmanager
def open_shared_store(address: str, patience_s: float = PATIENCE_S) -> Iterator[ApprovalStore]:
    """The approvals in the database at `address`, whose tables are made. Raises DataFolderError.

    `patience_s`: see `PostgresOwners`.
    """
    migrate(address, "approvals", POSTGRES_MIGRATIONS)
    with open_thread_pool(address, _MAX_CONNECTIONS) as pool:
        yield ApprovalStore(PostgresDatabase(pool), PostgresOwners(address, patience_s))
