"""Who answers in a session, where several machines share the sessions: a lease in the database.

A lease names the process that has it, and lasts until that gives it back or is gone. Whoever finds
the lease of one that is gone takes it over; the token tells the two apart, so that one that was
wrongly taken for gone writes nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from assistant.approvals.owner import Owners
from assistant.errors import DataFolderError, SessionError
from assistant.sessions.database import Database, Statements

_log = logging.getLogger(__name__)

_RETURN_TIMEOUT_S = 2.0
_RETURN_PAUSE_S = 1.0


class Leases:
    """Sessions held by leases of the process `owner` (`SessionLocks`). Of one event loop."""

    def __init__(self, database: Database, owners: Owners, owner: str) -> None:
        self._database = database
        self._owners = owners
        self._owner = owner
        self._tokens: dict[str, str] = {}
        self._returns: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def held(self, session: str) -> AsyncIterator[None]:
        """See `SessionLocks.held`. Looks for `patience_s` for a holder who seems to be gone."""
        if session in self._tokens:
            raise _busy(session)
        token = self._tokens[session] = secrets.token_hex(8)
        try:
            await self._take(session, token)
            yield
        finally:
            del self._tokens[session]
            await self._give_back(session, token)

    async def require(self, statements: Statements, session: str) -> None:
        """See `SessionLocks.require`."""
        token = self._tokens.get(session)
        if token is None:
            return
        # A write, though it changes nothing: nobody takes the lease over before this is committed.
        is_held = await statements.execute(
            "UPDATE leases SET token = token WHERE session = ? AND token = ?", [session, token]
        )
        if not is_held:
            raise SessionError(
                f"session {session} was taken over: the database was out of reach for too long",
                "what was being answered is not kept; ask again",
            )

    async def forget(self, session: str) -> None:
        """Its holder removes the lease."""

    async def close(self) -> None:
        """Stop trying to give leases back: they end with their owner."""
        for task in self._returns:
            task.cancel()
        if self._returns:
            await asyncio.wait(self._returns)

    async def _take(self, session: str, token: str) -> None:
        """Raises SessionError when somebody has the lease who is not gone."""
        if await self._granted(session, token):
            return
        holder = await self._holder(session)
        if holder is None:  # given back since
            if not await self._granted(session, token):
                raise _busy(session)
            return
        owner, old = holder
        # A lease of this process which it does not know of is one that it could not give back.
        if owner != self._owner and await asyncio.to_thread(self._owners.is_alive, owner):
            raise _busy(session)
        async with self._database.transaction() as statements:
            is_taken = await statements.execute(
                "UPDATE leases SET owner = ?, token = ? WHERE session = ? AND token = ?",
                [self._owner, token, session, old],
            )
        if not is_taken:
            raise _busy(session)

    async def _granted(self, session: str, token: str) -> bool:
        async with self._database.transaction() as statements:
            is_new = await statements.execute(
                "INSERT INTO leases (session, owner, token) VALUES (?, ?, ?)"
                " ON CONFLICT (session) DO NOTHING",
                [session, self._owner, token],
            )
        return bool(is_new)

    async def _holder(self, session: str) -> tuple[str, str] | None:
        query = "SELECT owner, token FROM leases WHERE session = ?"
        rows = await self._database.fetch(query, [session])
        return (rows[0][0], rows[0][1]) if rows else None

    async def _give_back(self, session: str, token: str) -> None:
        """Ends soon in any case; where the database is away, the lease is given back later."""
        task = asyncio.create_task(self._returned(session, token))
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)
        await asyncio.wait([task], timeout=_RETURN_TIMEOUT_S)

    async def _returned(self, session: str, token: str) -> None:
        while True:
            try:
                async with self._database.transaction() as statements:
                    await statements.execute(
                        "DELETE FROM leases WHERE session = ? AND token = ?", [session, token]
                    )
                return
            except DataFolderError as error:
                _log.info("the lease of session %s is not given back: %s", session, error.message)
                await asyncio.sleep(_RETURN_PAUSE_S)


def _busy(session: str) -> SessionError:
    return SessionError(
        f"session {session} is answering another question", "wait for it, or ask without -c"
    )
