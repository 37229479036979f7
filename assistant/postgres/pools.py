"""The connections of a process, as many as are in use at once.

Each is tried before it is lent, so that a database that was restarted is simply used again. Errors
become ours where a connection is lent: whoever borrows one, the graph's own saver included, need
not know whose they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from assistant.postgres.connection import (
    CONNECT_TIMEOUT_S,
    complete,
    mapped,
    prepare_async_session,
    prepare_session,
)

_Rows = tuple[Any, ...]
# An attempt ends soon, and the next one who wants a connection begins another: the pauses between
# attempts grow to a minute otherwise.
RECONNECT_TIMEOUT_S = 5.0


class ThreadPool(ConnectionPool[psycopg.Connection[_Rows]]):
    """Connections for threads, which commit by themselves; open it with `open_thread_pool`."""

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[psycopg.Connection[_Rows]]:
        """A connection of one's own. Raises DataFolderError, also for what happens within."""
        with mapped(), super().connection(timeout) as connection:
            yield connection


class LoopPool(AsyncConnectionPool[psycopg.AsyncConnection[_Rows]]):
    """Connections for an event loop; open it with `open_loop_pool`."""

    @asynccontextmanager
    async def connection(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's own
    ) -> AsyncIterator[psycopg.AsyncConnection[_Rows]]:
        """A connection of one's own. Raises DataFolderError, also for what happens within."""
        with mapped():
            async with super().connection(timeout) as connection:
                yield connection


@contextmanager
def open_thread_pool(address: str, max_size: int) -> Iterator[ThreadPool]:
    """A pool for threads. Raises DataFolderError."""
    pool = ThreadPool(
        complete(address),
        configure=prepare_session,
        check=ConnectionPool.check_connection,
        **_options(max_size),
    )
    with mapped():
        pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
    try:
        yield pool
    finally:
        pool.close()


@asynccontextmanager
async def open_loop_pool(address: str, max_size: int) -> AsyncIterator[LoopPool]:
    """A pool for the running event loop. Raises DataFolderError."""
    pool = LoopPool(
        complete(address),
        configure=prepare_async_session,
        check=AsyncConnectionPool.check_connection,
        **_options(max_size),
    )
    with mapped():
        await pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
    try:
        yield pool
    finally:
        await pool.close()


def _options(max_size: int) -> dict[str, Any]:
    return {
        "kwargs": {"autocommit": True},
        "min_size": 1,
        "max_size": max_size,
        "timeout": CONNECT_TIMEOUT_S,
        "reconnect_timeout": RECONNECT_TIMEOUT_S,
        "open": False,
    }
