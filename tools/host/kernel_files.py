"""The kernel's files under /proc and /sys, as text that may be missing.

What cannot be read (another operating system, a container, no permission) is None. `root` is where
/proc and /sys are, so that a recorded tree reads like a machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """Files below `root`, named by paths without a leading slash."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """The first `MAX_BYTES` of the file; None when it cannot be read."""
        return self._content(path, os.O_RDONLY)

    def lines(self, path: str) -> list[str]:
        """The lines of the file; none when it cannot be read."""
        return (self.text(path) or "").splitlines()

    def number(self, path: str) -> int | None:
        """The number that the file is; None when it is none (`max`)."""
        text = (self.text(path) or "").strip()
        return int(text) if text.isdigit() else None

    def numbers(self, path: str) -> list[int]:
        """The numbers of a file that is a row of them; none when it is anything else."""
        fields = (self.text(path) or "").split()
        return [int(field) for field in fields] if all(map(str.isdigit, fields)) else []

    def counters(self, path: str) -> Mapping[str, int]:
        """The counters of a file of lines of `name number`."""
        pairs = (line.split() for line in self.lines(path))
        return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}

    def waiting(self, path: str) -> str | None:
        """What a device file holds now, without waiting for more; None when it cannot be read."""
        return self._content(path, os.O_RDONLY | os.O_NONBLOCK)

    def _content(self, path: str, flags: int) -> str | None:
        try:
            descriptor = os.open(self.root / path, flags)
        except OSError:
            return None
        try:
            content = _drained(descriptor)
        finally:
            os.close(descriptor)
        return None if content is None else content.decode(errors="replace")


def _drained(descriptor: int) -> bytes | None:
    """All that can be read at once, up to `MAX_BYTES`; None when nothing can be.

    In small reads: the kernel refuses large ones of its settings, and gives a record at a time of
    its log.
    """
    parts: list[bytes] = []
    num_bytes = 0
    while num_bytes < MAX_BYTES:
        try:
            part = os.read(descriptor, _READ_BYTES)
        except BrokenPipeError:
            # Records were overwritten before they were read; the next read goes on after them.
            continue
        except BlockingIOError:
            break
        except OSError:
            return b"".join(parts) or None
        if not part:
            break
        parts.append(part)
        num_bytes += len(part)
    return b"".join(parts)
