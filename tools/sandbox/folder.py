"""The folder that a program writes: what is in it, and what a program changed.

After a program has written it, a folder is hostile: links that lead out of it, modes that keep its
owner out, names of any length and depth. Links are never followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Change = Literal["created", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one path, relative to the folder; `size_bytes` is its size after (or last).

    A folder counts as changed only when its mode did; a file when anything of it was written,
    renamed or given a mode.
    """

    path: str
    change: Change
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or link as it was found."""

    mode: int
    size_bytes: int
    disk_bytes: int
    inode: int
    changed_ns: int
    owner: tuple[int, int]

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and no link to one."""
        return stat.S_ISDIR(self.mode)

    def is_same(self, other: Entry) -> bool:
        """Whether nothing happened between the two looks."""
        if self.is_folder and other.is_folder:
            return self.mode == other.mode
        return (self.inode, self.size_bytes, self.changed_ns, self.mode) == (
            other.inode,
            other.size_bytes,
            other.changed_ns,
            other.mode,
        )


def entries(folder: Path) -> Iterator[tuple[str, Entry]]:
    """Each path below `folder` and its entry, a folder before what it holds; links not followed.

    What vanishes meanwhile, cannot be listed, or has too long a path is left out. The folder that
    was just yielded is listed when the next is asked for.
    """
    waiting = [""]
    while waiting:
        below = waiting.pop()
        # Vanished, closed to its owner, or a path longer than the system takes.
        with contextlib.suppress(OSError), os.scandir(folder / below) as found:
            for one in found:
                path = f"{below}/{one.name}" if below else one.name
                entry = _entry(one.stat(follow_symlinks=False))
                yield path, entry
                if entry.is_folder:
                    waiting.append(path)


def _entry(found: os.stat_result) -> Entry:
    return Entry(
        mode=found.st_mode,
        size_bytes=found.st_size,
        disk_bytes=found.st_blocks * 512,
        inode=found.st_ino,
        changed_ns=found.st_ctime_ns,
        owner=(found.st_uid, found.st_gid),
    )


def changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> tuple[FileChange, ...]:
    """What differs between two looks at a folder, by path."""
    found = [
        *(FileChange(path, "created", after[path].size_bytes) for path in after.keys() - before),
        *(FileChange(path, "deleted", before[path].size_bytes) for path in before.keys() - after),
        *(
            FileChange(path, "changed", after[path].size_bytes)
            for path in after.keys() & before
            if not after[path].is_same(before[path])
        ),
    ]
    return tuple(sorted(found, key=lambda change: change.path))
