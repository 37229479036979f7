"""What the graph has stored of a session, seen from outside: how far it goes, and forgetting it.

A session goes on from its newest checkpoint. So those of a turn that was not kept have to go,
whether it failed, was cancelled, or its process was killed.
"""

from __future__ import annotations

from assistant.sessions.database import CheckpointTables, Queries, Statements

_NEWEST = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"


async def newest(queries: Queries, tables: CheckpointTables, session: str) -> str:
    """The id of the newest checkpoint (they sort by their ids); empty when there is none."""
    if not await _present(queries, tables):
        return ""
    [[found]] = await queries.fetch(_NEWEST, [session])
    return found or ""


async def forget_after(
    statements: Statements, tables: CheckpointTables, session: str, last: str
) -> None:
    """Remove what was stored after the checkpoint `last`."""
    present = await _present(statements, tables)
    for table in present - set(tables.unnumbered):
        await statements.execute(
            f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id > ?", [session, last]
        )
    if present and tables.sweep:
        await statements.execute(tables.sweep, [session])


async def forget(statements: Statements, tables: CheckpointTables, session: str) -> None:
    """Remove all of it."""
    for table in await _present(statements, tables):
        await statements.execute(f"DELETE FROM {table} WHERE thread_id = ?", [session])


async def _present(queries: Queries, tables: CheckpointTables) -> set[str]:
    return {name for (name,) in await queries.fetch(tables.present)}
