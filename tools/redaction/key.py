"""The key of an installation, under which its placeholders are made."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tools.errors import SourceUnreadable

_SIZE_BYTES = 32


def load_key(path: Path) -> bytes:
    """The key in `path`, 32 bytes; made at the first call, for this user only (0600).

    Of processes that make it at once, all get the same one. Raises SourceUnreadable.
    """
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise SourceUnreadable(
            f"the key of the placeholders in {path} cannot be read or written: {error.strerror}",
            "give the data folder to the user that midwatch runs as",
        ) from error
    if len(key) != _SIZE_BYTES:
        raise SourceUnreadable(
            f"{path} is no key of placeholders: it has {len(key)} bytes and not {_SIZE_BYTES}",
            "remove it, and a new one is made; placeholders will then have other numbers",
        )
    return key


def _make(path: Path) -> None:
    """Write a whole key beside `path` and give it the name, unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SIZE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
