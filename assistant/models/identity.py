"""What a model file is, whatever it is called: the digest that snapshots are kept under.

Reading 1.1 GB takes a second, so a digest is noted together with the file's size, times and inode,
and computed again only when one of them has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from assistant.models.digest import digest_file


def file_digest(path: Path, notes: Path) -> str:
    """SHA-256 of the file at `path`, in hex; noted in the folder `notes`. Raises OSError."""
    path = path.resolve()
    note = notes / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.digest"
    signature = file_signature(path)
    with contextlib.suppress(OSError, ValueError):
        noted, digest = note.read_text(encoding="ascii").split("\n")
        if noted == signature:
            return digest
    digest = digest_file(path, lambda _: None).hexdigest()
    if file_signature(path) == signature:
        _write(note, f"{signature}\n{digest}")
    return digest


def file_signature(path: Path) -> str:
    """Size, times and inode: what changes when somebody writes to the file or replaces it."""
    found = path.stat()
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _write(note: Path, text: str) -> None:
    """Write a note; a folder that cannot be written goes without: notes only save time."""
    fresh = note.with_name(f"{note.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.write_text(text, encoding="ascii")
        fresh.replace(note)
