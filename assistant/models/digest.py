"""The SHA-256 of a file, with progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_BLOCK_BYTES = 1 << 20


def digest_file(path: Path, on_read: Callable[[int], None]) -> hashlib._Hash:
    """The SHA-256 of `path`, open for more; `on_read` hears how many bytes were read so far."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_read(done)
    return digest
