"""The approvals, which many processes use at once: in a file, or in PostgreSQL (`postgres`).

A change is on the disk when it is reported, and takes place whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.approvals.database import Database
from assistant.approvals.file import FILE_NAME, open_file
from assistant.approvals.owner import FileOwners, Owners
from assistant.approvals.rows import Rows

__all__ = ["FILE_NAME", "ApprovalStore", "open_store"]


class ApprovalStore:
    """The approvals; open them with `open_store`. Usable from any thread.

    `owners` tells which of the processes that use them still run.
    """

    def __init__(self, database: Database, owners: Owners) -> None:
        self.owners = owners
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """The approvals as they are at one moment. Raises DataFolderError."""
        with self._database.reading() as statements:
            yield Rows(statements)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """The approvals, which nobody else changes meanwhile. Raises DataFolderError.

        What was changed is there for all when the block ends, and undone when it raises.
        """
        with self._database.writing() as statements:
            yield Rows(statements)


@contextmanager
def open_store(data_dir: Path) -> Iterator[ApprovalStore]:
    """The approvals in `data_dir`, which is made for this user only. Raises DataFolderError."""
    with open_file(data_dir / FILE_NAME) as database:
        yield ApprovalStore(database, FileOwners(data_dir / "locks"))
