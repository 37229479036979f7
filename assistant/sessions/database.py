"""What a database has to be able to do for the sessions: SQLite and PostgreSQL both can.

Their statements are the same, written as SQLite takes them. What differs is here by name: how a
change keeps others out, how one process at a time has a session, and the tables of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Value = str | int | None
Row = Sequence[Any]


class Queries(Protocol):
    """What can be looked at."""

    async def fetch(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows that `statement` finds, with a value for each `?`."""
        ...


class Statements(Queries, Protocol):
    """A transaction that is open."""

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out `statement`; how many rows it changed."""
        ...

    async def execute_many(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Carry out `statement` once for each of `rows`."""
        ...


@dataclass(frozen=True, slots=True)
class CheckpointTables:
    """Where the graph keeps what it stores, in columns `thread_id` and `checkpoint_id`.

    `present` finds the names of those tables that there are: the graph makes them when it first
    needs them. `unnumbered` have no `checkpoint_id`; `sweep` removes from them, for one thread,
    what no checkpoint refers to.
    """

    present: str
    unnumbered: tuple[str, ...] = ()
    sweep: str = ""


class Database(Queries, Protocol):
    """The tables of the sessions. Each call raises DataFolderError."""

    @property
    def checkpoint_tables(self) -> CheckpointTables:
        """The tables of the graph."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Statements]:
        """All that is written within, or nothing: also when it is cancelled half-way."""
        ...


class SessionLocks(Protocol):
    """One process at a time answers in a session; who dies holds none any more."""

    def held(self, session: str) -> AbstractAsyncContextManager[None]:
        """Hold the session. Raises SessionError when somebody else does."""
        ...

    async def require(self, statements: Statements, session: str) -> None:
        """Raises SessionError where this process held the session, and somebody else took it.

        It stays that way until the transaction ends.
        """
        ...

    async def forget(self, session: str) -> None:
        """Remove what was needed to hold a session that is deleted."""
        ...
