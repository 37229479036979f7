"""The turns of a server in the journal that outlives it: what was begun is finished, or has failed.

Under PostgreSQL the journal is that of all replicas: one that answers a late client knows what has
become of a turn that another began.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from assistant.errors import ServerBusy, TurnNotFound
from assistant.events import Event, TurnFailed, TurnFinished
from assistant.sessions import SessionStore

_LOOK_S = 30.0


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal as the process `owner` writes it; open it with `open_journal`."""

    store: SessionStore
    owner: str

    async def noting(
        self, turn: str, question: str, session: str | None, events: AsyncGenerator[Event]
    ) -> AsyncGenerator[Event]:
        """`events` of the turn, which is begun and ended in the journal as well.

        Raises SessionError when it was begun before, maybe by another server.
        """
        async with aclosing(events):
            await self.store.begin_turn(turn, question, session, self.owner)
            try:
                async for event in events:
                    if isinstance(event, TurnFinished):
                        await self.store.end_turn(turn, "finished")
                    elif isinstance(event, TurnFailed):
                        await self._fail(turn, event)
                    yield event
            except (asyncio.CancelledError, GeneratorExit):
                # What ends the turn ends this task, too; the note is made all the same.
                gone = TurnFailed("", "cancelled", "the question was cancelled")
                await asyncio.shield(self._fail(turn, gone))
                raise

    async def ending(self, turn: str) -> TurnFinished | TurnFailed:
        """How a turn ended that no process here remembers.

        Raises TurnNotFound, and ServerBusy when another server still works on it.
        """
        begun = await self.store.turn_state(turn)
        if begun is not None and begun.state == "running":
            # Whoever asks has lost the server that worked on it; that may be no accident.
            await self.store.close_lost_turns(self.store.owners.is_alive)
            begun = await self.store.turn_state(turn)
        if begun is None:
            raise TurnNotFound("there is no such turn", "it may have ended long ago: ask again")
        if begun.state == "running":
            raise ServerBusy("another server works on this turn", "try again in a moment")
        kept = await self.store.find_turn(turn)
        if kept is not None and kept.finished is not None:
            return kept.finished
        return TurnFailed(begun.session, begun.code or "lost", begun.message, begun.hint)

    async def _fail(self, turn: str, event: TurnFailed) -> None:
        await self.store.end_turn(turn, "failed", event.code, event.message, event.hint)


@asynccontextmanager
async def open_journal(store: SessionStore) -> AsyncIterator[Journal]:
    """The journal of this process; what dead ones left behind is closed, now and now and then."""
    holding = store.owners.holding()
    owner = await asyncio.to_thread(holding.__enter__)
    looking = asyncio.create_task(_look(store))
    try:
        yield Journal(store, owner)
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await asyncio.to_thread(holding.__exit__, None, None, None)


async def _look(store: SessionStore) -> None:
    while True:
        await store.close_lost_turns(store.owners.is_alive)
        await asyncio.sleep(_LOOK_S)
