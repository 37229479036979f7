"""Who answers in a session, on one machine: whoever has locked a file named after it."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from assistant.errors import SessionError
from assistant.sessions.database import Statements


class FileLocks:
    """Sessions held by locked files in `folder`; the system unlocks those of who dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def held(self, session: str) -> AsyncIterator[None]:
        """See `SessionLocks.held`."""
        with self.locked(session):
            yield

    @contextmanager
    def locked(self, session: str) -> Iterator[None]:
        """Hold the session for one turn. Raises SessionError when another process has it."""
        with self._file(session).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SessionError(
                    f"session {session} is answering another question",
                    "wait for it, or ask without -c",
                ) from error
            yield

    async def require(self, statements: Statements, session: str) -> None:
        """A file that this process has locked cannot be taken from it."""

    async def forget(self, session: str) -> None:
        """See `SessionLocks.forget`."""
        self._file(session).unlink(missing_ok=True)

    def _file(self, session: str) -> Path:
        return self._folder / f"{session}.lock"
