"""`lent`: a folder in a program's hands for as long as it runs, and in its owner's after.

When we are root the program runs as another user, who then owns the folder meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox.folder import Entry, FileChange, changes, entries


@dataclass(frozen=True, slots=True)
class LentFolder:
    """A folder (None: there is none) as it was when the program got it."""

    folder: Path | None
    before: Mapping[str, Entry]

    def changes(self) -> tuple[FileChange, ...]:
        """What the program did to it; to be asked when the program has ended."""
        if self.folder is None:
            return ()
        disarm(self.folder)
        return changes(self.before, dict(entries(self.folder)))


@contextlib.contextmanager
def lent(folder: Path | None, borrower: int | None) -> Iterator[LentFolder]:
    """The folder, owned by the user `borrower` (None: as it is) until the end."""
    if folder is None:
        yield LentFolder(None, {})
        return
    disarm(folder)
    found = folder.stat()
    owners = dict(entries(folder))
    try:
        if borrower is not None:
            hand_over(folder, borrower)
        yield LentFolder(folder, dict(entries(folder)))
    finally:
        disarm(folder)
        if borrower is not None:
            take_back(folder, owners, (found.st_uid, found.st_gid))


def hand_over(folder: Path, owner: int) -> None:
    """Make `owner` (user and group) the owner of the folder and of everything in it."""
    os.chown(folder, owner, owner, follow_symlinks=False)
    for path, _ in entries(folder):
        os.chown(folder / path, owner, owner, follow_symlinks=False)


def take_back(folder: Path, before: Mapping[str, Entry], owner: tuple[int, int]) -> None:
    """Give each entry of `before` its owner again, and all that is new the folder's `owner`."""
    os.chown(folder, *owner, follow_symlinks=False)
    for path, entry in entries(folder):
        old = before.get(path)
        is_old = old is not None and old.inode == entry.inode
        os.chown(folder / path, *(old.owner if old and is_old else owner), follow_symlinks=False)


def disarm(folder: Path) -> None:
    """Make every folder readable to its owner, and no file run as its owner (setuid, setgid).

    A file that a program made setuid would be the caller's, outside, for whoever may reach it.
    """
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IRWXU)
    for path, entry in entries(folder):
        mode = stat.S_IMODE(entry.mode)
        if entry.is_folder and mode & stat.S_IRWXU != stat.S_IRWXU:
            (folder / path).chmod(mode | stat.S_IRWXU)
        elif stat.S_ISREG(entry.mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            (folder / path).chmod(mode & ~(stat.S_ISUID | stat.S_ISGID))
