"""The graph's saver for a store, with its tables made.

PostgreSQL's makes indexes in a way that waits for every other transaction and cannot be part of
one; so of several processes that start at once one does it, and the others look now and then
whether it is done, without a transaction of theirs.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver

from assistant.errors import DataFolderError
from assistant.sessions.store import SessionStore

if TYPE_CHECKING:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    from assistant.postgres.pools import LoopPool

_SETUP_TIMEOUT_S = 60.0
_PAUSE_S = 0.1
_KEY = "hashtextextended('checkpoint tables ' || current_schema(), 0)"


async def open_saver(store: SessionStore) -> BaseCheckpointSaver[str]:
    """The saver of the running event loop, good until the store is closed.

    Raises DataFolderError.
    """
    if isinstance(store.checkpoints, aiosqlite.Connection):
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        return AsyncSqliteSaver(store.checkpoints)
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    saver = AsyncPostgresSaver(store.checkpoints)
    await _make_tables(store.checkpoints, saver)
    return saver


async def _make_tables(pool: LoopPool, saver: AsyncPostgresSaver) -> None:
    deadline = time.monotonic() + _SETUP_TIMEOUT_S
    async with pool.connection() as connection:
        while True:
            cursor = await connection.execute(f"SELECT pg_try_advisory_lock({_KEY})")
            if (row := await cursor.fetchone()) and row[0]:
                break
            if time.monotonic() > deadline:
                raise DataFolderError(
                    "another process does not finish making the tables of checkpoints",
                    "end it, and start again",
                )
            await asyncio.sleep(_PAUSE_S)
        try:
            await saver.setup()
        finally:
            await connection.execute(f"SELECT pg_advisory_unlock({_KEY})")
