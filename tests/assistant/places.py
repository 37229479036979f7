"""Where sessions and approvals are kept in a test: in a folder, or in a PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from assistant.approvals.owner import FileOwners, Owners
from assistant.approvals.postgres import open_shared_store
from assistant.approvals.store import FILE_NAME, ApprovalStore, open_store
from assistant.postgres.owners import PostgresOwners
from assistant.sessions import SessionStore, open_sessions
from assistant.sessions.postgres import open_shared_sessions
from tests.assistant.postgres.server import PostgresServer


@dataclass
class FilePlace:
    """A data folder."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def owners(self) -> Owners:
        return FileOwners(self.folder / "locks")

    @property
    def arguments(self) -> list[str]:
        """The place for a program."""
        return ["file", str(self.folder)]

    def open_store(self) -> AbstractContextManager[ApprovalStore]:
        return open_store(self.folder)

    def open_sessions(self) -> AbstractAsyncContextManager[SessionStore]:
        return open_sessions(self.folder)

    def new(self) -> FilePlace:
        """Another one, where nothing is."""
        folder = self.folder / f"place-{next(self._numbers)}"
        folder.mkdir()
        return FilePlace(folder)

    def change_approvals(self, statement: str) -> None:
        """Carry out `statement` behind the store's back."""
        path = self.folder / FILE_NAME
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)

    def num_owners(self) -> int:
        """How many hold a name, or have left one behind."""
        return len(list((self.folder / "locks").glob("*.performing")))

    def wait_until_gone(self, session: str) -> None:
        """See `wait_for_the_dead`."""

    def wait_until_dead(self, owner: str) -> None:
        """See `wait_for_the_dead`."""

    def wait_for_the_dead(self) -> None:
        """The system unlocks files before it says that a process has ended."""


@dataclass
class PostgresPlace:
    """A schema of a database. What is no business of the database lies in `folder`.

    Nobody waits here for those who may come back: in these tests the dead are dead.
    """

    folder: Path
    server: PostgresServer
    address: str = ""
    patience_s: float = 0.0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.address = self.address or self.server.new_address()

    @property
    def owners(self) -> Owners:
        return PostgresOwners(self.address, self.patience_s)

    @property
    def arguments(self) -> list[str]:
        """The place for a program."""
        return ["postgres", self.address]

    def open_store(self) -> AbstractContextManager[ApprovalStore]:
        return open_shared_store(self.address, self.patience_s)

    def open_sessions(self) -> AbstractAsyncContextManager[SessionStore]:
        return open_shared_sessions(self.address, self.patience_s)

    def new(self) -> PostgresPlace:
        """Another one, where nothing is."""
        folder = self.folder / f"place-{next(self._numbers)}"
        folder.mkdir()
        return PostgresPlace(folder, self.server)

    def change_approvals(self, statement: str) -> None:
        """Carry out `statement` behind the store's back."""
        with self.server.connect(self.address) as connection:
            connection.execute(statement)

    def num_owners(self) -> int:
        """How many hold a name."""
        with self.server.connect() as connection:
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            [num] = connection.execute(held).fetchone() or [0]
            return int(num)

    def wait_until_gone(self, session: str) -> None:
        """Return when the server has noticed that whoever held the session has ended."""
        with self.server.connect(self.address) as connection:
            query = "SELECT owner FROM leases WHERE session = %s"
            [owner] = connection.execute(query, [session]).fetchone() or [""]
        self.wait_until_dead(owner)

    def wait_until_dead(self, owner: str) -> None:
        """Return when the server has noticed that this process has ended."""
        deadline = time.monotonic() + 60
        while self.owners.is_alive(owner):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def wait_for_the_dead(self) -> None:
        self.server.wait_for_the_dead()


Place = FilePlace | PostgresPlace
