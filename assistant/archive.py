"""Earlier conversations as a front asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from assistant.interface import Conversation
from assistant.sessions import SessionInfo, SessionStore
from assistant.settings import Settings
from assistant.storage import session_store


@dataclass(frozen=True, slots=True)
class Archive:
    """The part of an `Assistant` that needs no model: its sessions."""

    store: SessionStore
    redact: Callable[[str], str]

    async def sessions(self) -> list[SessionInfo]:
        """See `Assistant.sessions`."""
        return await self.store.all()

    async def conversation(self, session: str) -> Conversation:
        """See `Assistant.conversation`."""
        found = await self.store.resolve(session)
        [info] = [info for info in await self.store.all() if info.id == found]
        turns = await self.store.turns(found)
        return Conversation(info, tuple(turns), tuple(await self.store.ledger(found)))

    async def rename(self, session: str, title: str) -> None:
        """See `Assistant.rename`."""
        await self.store.rename(await self.store.resolve(session), self.redact(title))

    async def delete(self, session: str) -> str:
        """See `Assistant.delete`."""
        found = await self.store.resolve(session)
        async with self.store.held(found):
            await self.store.delete(found)
        return found


@asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Archive]:
    """The sessions of `settings`, without the rest of an assistant. Raises DataFolderError."""
    from assistant.redacting import open_redactor

    async with session_store(settings) as store:
        yield Archive(store, open_redactor(settings).redact)
