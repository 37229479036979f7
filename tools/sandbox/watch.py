"""What the kernel does not bound for us: the memory of all processes, the size of a folder.

Both are looked at again and again while a program runs. What happens between two looks is not seen:
a program may be over by what it takes in that time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tools.sandbox.folder import entries
from tools.sandbox.program import Limits

_MEMORY_INTERVAL_S = 0.05
_FOLDER_INTERVAL_S = 0.1
# A look may take this share of the time, however large a folder is.
_LOOKING_SHARE = 0.1
_LOW_DISK_SHARE = 0.05
_HELD = ("RssAnon:", "RssShmem:", "VmSwap:")


class Pace:
    """Says when it is time to look again."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next = 0.0

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether to look now; the time that the look takes is counted."""
        started = time.monotonic()
        is_due = started >= self._next
        yield is_due
        if is_due:
            took_s = time.monotonic() - started
            self._next = started + max(self._interval_s, took_s / _LOOKING_SHARE)


class MemoryWatch:
    """Whether the processes below (and with) `process` hold more than the limit together.

    Memory that two of them share counts twice.
    """

    def __init__(self, process: int, limits: Limits) -> None:
        self._process = process
        self._limit_bytes = limits.memory_bytes
        self._pace = Pace(_MEMORY_INTERVAL_S)

    def is_exceeded(self) -> bool:
        """Look, if it is time to."""
        with self._pace.turn() as is_due:
            return is_due and sum(map(held_bytes, family(self._process))) > self._limit_bytes


class FolderWatch:
    """Whether a folder takes more of the disk, or holds more entries, than the limits.

    A file that is deleted and still open is in no folder, and a folder may be closed to its owner.
    So the disk is looked at as well: once it is nearly full, and has lost more than the folder may
    take, that counts as too much.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._pace = Pace(_FOLDER_INTERVAL_S)
        self._disk = os.statvfs(folder)

    def is_exceeded(self) -> bool:
        """Look, if it is time to."""
        with self._pace.turn() as is_due:
            return is_due and (is_over(self._folder, self._limits) or self._is_disk_filling())

    def _is_disk_filling(self) -> bool:
        before, now = self._disk, os.statvfs(self._folder)
        taken_bytes = (before.f_bavail - now.f_bavail) * now.f_frsize
        is_full = now.f_bavail < now.f_blocks * _LOW_DISK_SHARE
        has_few_left = now.f_favail < now.f_files * _LOW_DISK_SHARE
        return (is_full and taken_bytes > self._limits.folder_bytes) or (
            has_few_left and before.f_favail - now.f_favail > self._limits.folder_entries
        )


def is_over(folder: Path, limits: Limits) -> bool:
    """Whether the folder is larger than it may be; no more of it is read than decides that."""
    size_bytes = 0
    for number, (_, entry) in enumerate(entries(folder), start=1):
        size_bytes += entry.disk_bytes
        if size_bytes > limits.folder_bytes or number > limits.folder_entries:
            return True
    return False


def family(process: int) -> Iterator[int]:
    """`process`, its children, theirs, and so on; those that end meanwhile may be missing."""
    waiting = [process]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(_children(one))


def _children(process: int) -> list[int]:
    texts = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            texts.append((task / "children").read_text())
    return [int(child) for child in itertools.chain.from_iterable(map(str.split, texts))]


def held_bytes(process: int) -> int:
    """What a process holds of memory and swap that no file backs; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_HELD))
