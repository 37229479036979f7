"""The store: what is read and written of the sessions, the same in every database."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from assistant.approvals.owner import Owners
from assistant.errors import MidwatchError, SessionError
from assistant.sessions import checkpoints, journal
from assistant.sessions.database import Database, SessionLocks
from assistant.sessions.journal import BegunTurn
from assistant.sessions.turns import (
    INFO_COLUMNS,
    TURN_COLUMNS,
    SessionInfo,
    StoredTurn,
    restored_finding,
    restored_turn,
    stored_finding,
    turn_values,
)
from tools.evidence import Evidence, Ledger

_TITLE_CHARS = 72

_log = logging.getLogger(__name__)


class SessionStore:
    """The sessions of one data folder or database; open it with `open_sessions`.

    `checkpoints` is what the graph's saver works on: it writes when it likes, and must not commit
    half of what is being written here. `owners` tells which of the processes that share the store
    still run. Each call raises DataFolderError.
    """

    def __init__(
        self, database: Database, locks: SessionLocks, owners: Owners, checkpoints: Any
    ) -> None:
        self.checkpoints = checkpoints
        self.owners = owners
        self._database = database
        self._locks = locks

    async def all(self) -> list[SessionInfo]:
        """All sessions, the last used one first."""
        query = f"SELECT {INFO_COLUMNS} FROM sessions ORDER BY updated_at_utc DESC, rowid DESC"
        return [SessionInfo(*row) for row in await self._database.fetch(query)]

    async def resolve(self, name: str | None, *, continue_last: bool = False) -> str:
        """The id of the session to use: `name` (or its beginning), the last one, or a new one.

        Raises SessionError.
        """
        if name is None and not continue_last:
            return secrets.token_hex(4)
        known = await self.all()
        if name is None:
            if not known:
                raise SessionError("there is no session to continue", "ask without -c first")
            return known[0].id
        matches = [info.id for info in known if name and info.id.startswith(name)]
        if len(matches) != 1:
            what = "no session" if not matches else f"{len(matches)} sessions"
            raise SessionError(f"{what} named {name!r}", "list them: midwatch sessions list")
        return matches[0]

    async def turns(self, session: str) -> list[StoredTurn]:
        """The turns of `session`, oldest first."""
        query = f"SELECT {TURN_COLUMNS} FROM turns WHERE session = ? ORDER BY number"
        return [restored_turn(*row) for row in await self._database.fetch(query, [session])]

    async def find_turn(self, turn: str) -> StoredTurn | None:
        """The turn of that id; None when none was kept."""
        query = f"SELECT {TURN_COLUMNS} FROM turns WHERE id = ?"
        rows = await self._database.fetch(query, [turn])
        return restored_turn(*rows[0]) if turn and rows else None

    async def ledger(self, session: str) -> Ledger:
        """The evidence that `session` has gathered so far."""
        query = "SELECT id, finding FROM evidence WHERE session = ? ORDER BY position"
        rows = await self._database.fetch(query, [session])
        return Ledger.restore(Evidence(row[0], restored_finding(row[1])) for row in rows)

    async def keep(self, session: str, turn: StoredTurn, ledger: Ledger) -> None:
        """Store a finished turn together with the ledger, or neither; a begun turn is finished.

        Raises SessionError where this process does not hold the session any more, or the turn was
        given up as lost.
        """
        now = journal.time_text(datetime.now(UTC))
        title = " ".join(turn.question.split())[:_TITLE_CHARS]
        async with self._database.transaction() as statements:
            await self._locks.require(statements, session)
            if turn.id:
                await journal.finish(statements, turn.id)
            newest = await checkpoints.newest(statements, self._database.checkpoint_tables, session)
            await statements.execute(
                f"INSERT INTO sessions ({INFO_COLUMNS}) VALUES (?, ?, ?, ?, 0)"
                " ON CONFLICT (id) DO NOTHING",
                [session, title, now, now],
            )
            await statements.execute(
                "UPDATE sessions SET updated_at_utc = ?, num_turns = num_turns + 1,"
                " checkpoint_id = ? WHERE id = ?",
                [now, newest, session],
            )
            await statements.execute(
                f"INSERT INTO turns (session, number, {TURN_COLUMNS}) "
                "SELECT id, num_turns, ?, ?, ?, ?, ?, ? FROM sessions WHERE id = ?",
                [*turn_values(turn), session],
            )
            await statements.execute_many(
                "INSERT INTO evidence (session, id, position, finding) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                [
                    [session, evidence.id, position, stored_finding(evidence.finding)]
                    for position, evidence in enumerate(ledger)
                ],
            )

    async def rename(self, session: str, title: str) -> None:
        """Give the session another title; a session that is not there stays away."""
        async with self._database.transaction() as statements:
            await statements.execute("UPDATE sessions SET title = ? WHERE id = ?", [title, session])

    async def delete(self, session: str) -> None:
        """Remove the session with all that belongs to it, checkpoints included."""
        async with self._database.transaction() as statements:
            await self._locks.require(statements, session)
            for table, column in (
                ("sessions", "id"),
                ("turns", "session"),
                ("evidence", "session"),
            ):
                await statements.execute(f"DELETE FROM {table} WHERE {column} = ?", [session])
            await checkpoints.forget(statements, self._database.checkpoint_tables, session)
        await self._locks.forget(session)

    @asynccontextmanager
    async def answering(self, session: str) -> AsyncIterator[None]:
        """Hold the session for one turn; one that fails or is cancelled leaves no checkpoint.

        Nor does one whose process was killed: the next turn begins where the last kept one ended.
        Raises SessionError when another turn holds it.
        """
        async with self.held(session):
            last = await self._last_checkpoint(session)
            if await self._newest_checkpoint(session) > last:
                await self._forget_after(session, last)
            try:
                yield
            except BaseException:
                await self._try_to_forget_after(session, last)
                raise

    def held(self, session: str) -> AbstractAsyncContextManager[None]:
        """Hold the session for one turn. Raises SessionError when another turn holds it."""
        return self._locks.held(session)

    async def begin_turn(self, turn: str, question: str, session: str | None, owner: str) -> None:
        """Note that `owner` answers the turn. Raises SessionError when it was begun before.

        `session` is the one that was asked for; None for a new one.
        """
        async with self._database.transaction() as statements:
            await journal.begin(statements, turn, question, session, owner)

    async def end_turn(
        self,
        turn: str,
        state: Literal["finished", "failed"],
        code: str = "",
        message: str = "",
        hint: str = "",
    ) -> None:
        """Note how a running turn ended; one that has ended stays as it is."""
        async with self._database.transaction() as statements:
            await journal.end(statements, turn, state, code, message, hint)

    async def turn_state(self, turn: str) -> BegunTurn | None:
        """What has become of the turn; None when none was begun, or it ended a week ago."""
        return await journal.find(self._database, turn)

    async def close_lost_turns(self, is_alive: Callable[[str], bool]) -> tuple[str, ...]:
        """Note that turns have failed whose owner is not alive; their ids.

        `is_alive` is `owners.is_alive`, in a thread: it may block for seconds. What ended long ago
        is forgotten. To be called at each start, and now and then where several share the store.
        """
        async with self._database.transaction() as statements:
            await journal.prune(statements, datetime.now(UTC) - journal.KEPT)
        owners = await journal.running_owners(self._database)
        living = await asyncio.gather(*(asyncio.to_thread(is_alive, owner) for owner in owners))
        gone = [owner for owner, lives in zip(owners, living, strict=True) if not lives]
        if not gone:
            return ()
        async with self._database.transaction() as statements:
            return await journal.give_up(statements, gone)

    async def _last_checkpoint(self, session: str) -> str:
        """The newest checkpoint of what was kept of the session; empty when there is none."""
        query = "SELECT checkpoint_id FROM sessions WHERE id = ?"
        rows = await self._database.fetch(query, [session])
        if not rows:
            return ""
        [[kept]] = rows
        # NULL: an earlier version kept it, without noting how far it went.
        return await self._newest_checkpoint(session) if kept is None else str(kept)

    async def _newest_checkpoint(self, session: str) -> str:
        return await checkpoints.newest(self._database, self._database.checkpoint_tables, session)

    async def _forget_after(self, session: str, last: str) -> None:
        """Forget what the graph stored after `last`: it stores where a cancelled run stood, too."""
        async with self._database.transaction() as statements:
            await self._locks.require(statements, session)
            tables = self._database.checkpoint_tables
            await checkpoints.forget_after(statements, tables, session, last)

    async def _try_to_forget_after(self, session: str, last: str) -> None:
        """The same at the end of a failed turn, whose own failure is what is told.

        Where it does not succeed, the next turn does it.
        """
        try:
            await self._forget_after(session, last)
        except MidwatchError as error:
            _log.warning("session %s keeps parts of a failed turn: %s", session, error.message)
