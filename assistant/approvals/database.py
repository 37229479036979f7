"""What a database has to be able to do for the approvals: SQLite and PostgreSQL both can.

Their statements are the same, written as SQLite takes them. How a change keeps others out, and what
an error of theirs means, each implementation knows for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from assistant.approvals.columns import Value


class Cursor(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, a tuple; None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """The other rows, each a tuple."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """A transaction that is open."""

    def execute(self, statement: str, values: Sequence[Value] = ()) -> Cursor:
        """Carry out `statement`, with a value for each `?`."""
        ...


class Database(Protocol):
    """Transactions, for any thread. Each raises DataFolderError, for what happens within as well.

    Where it is reported that one has ended, what was changed is there for all and on the disk;
    what raises within undoes all of it.
    """

    def reading(self) -> AbstractContextManager[Statements]:
        """Everything as it is at one moment."""
        ...

    def writing(self) -> AbstractContextManager[Statements]:
        """Everything, which nobody else changes meanwhile."""
        ...
