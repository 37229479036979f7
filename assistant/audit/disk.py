"""Writing so that it is on disk when the call returns, for this user only.

All functions raise OSError; what could not be written whole then looks as if it never had been.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(folder: Path) -> None:
    """Create the folder, and those above it, where there are none; their names last as well."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def append_to(path: Path, content: bytes) -> int:
    """Append to a file that exists; its size in bytes after that."""
    descriptor = os.open(path, _FLAGS | os.O_APPEND)
    try:
        _write(descriptor, content)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Put a file of that content in the place of `path`, all at once."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(descriptor, content)
    finally:
        os.close(descriptor)
    new.replace(path)
    _sync_folder(path.parent)


def _write(descriptor: int, content: bytes) -> None:
    size_before = os.fstat(descriptor).st_size
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        # After a failed fsync nobody knows what is on disk, so nothing must look written.
        with suppress(OSError):
            os.ftruncate(descriptor, size_before)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
