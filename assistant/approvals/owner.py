"""Who is at work: a process that holds a locked file for as long as it lives.

The system gives the lock up when the process ends, however it ends. So neither a process id that
was given out again nor a clock that was changed can make a dead process look alive, or one that
works look dead.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.errors import DataFolderError

_SUFFIX = ".performing"


class Owners(Protocol):
    """The processes at work on the same approvals or sessions. All calls block.

    On one machine they hold files, on many a lock in their database (`assistant.postgres.owners`).
    """

    def holding(self) -> AbstractContextManager[str]:
        """A name under which this process works; it is alive until the block ends.

        Raises DataFolderError.
        """
        ...

    def is_alive(self, owner: str) -> bool:
        """Whether the process that works under this name still runs. Raises DataFolderError.

        Names are never used again. One that was cut off from a shared database for too long is
        called dead as well; what it writes of its work afterwards is refused.
        """
        ...

    def sweep(self) -> None:
        """Remove what is left of those who are gone."""
        ...


@dataclass(frozen=True, slots=True)
class FileOwners:
    """The processes that hold files in `folder` (`Owners`)."""

    folder: Path

    def holding(self) -> AbstractContextManager[str]:
        """See `Owners.holding`."""
        return holding(self.folder)

    def is_alive(self, owner: str) -> bool:
        """See `Owners.is_alive`."""
        return is_alive(self.folder, owner)

    def sweep(self) -> None:
        """See `Owners.sweep`."""
        sweep(self.folder)


@contextmanager
def holding(folder: Path) -> Iterator[str]:
    """The name under which this process performs acts; it is alive until the block ends.

    A process that is forked meanwhile keeps it alive as well. Raises DataFolderError when `folder`
    cannot be used.
    """
    owner = f"{os.getpid()}-{secrets.token_hex(8)}"
    path = folder / f"{owner}{_SUFFIX}"
    try:
        descriptor = _locked(path)
    except OSError as error:
        raise DataFolderError(
            f"no lock can be held in {folder}: {error}",
            "check its permissions and free space; it must not be a network folder without locks",
        ) from error
    try:
        yield owner
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_alive(folder: Path, owner: str) -> bool:
    """Whether the process that performs under this name still runs."""
    try:
        descriptor = os.open(folder / f"{owner}{_SUFFIX}", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared: two that look at the same time must not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sweep(folder: Path) -> None:
    """Remove the files of processes that were killed. Names are never used again."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if not is_alive(folder, path.stem):
            path.unlink(missing_ok=True)


def _locked(path: Path) -> int:
    """A descriptor of the new file `path`, locked; under that name it is never seen unlocked."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unlocked = path.with_suffix(".new")
    descriptor = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
