"""Writing code to a file: all of it or nothing, and never over another by accident."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

_PROGRAM_MODE = 0o777
_TEXT_MODE = 0o666


def write_code(path: Path, code: str, *, is_executable: bool, may_replace: bool) -> None:
    """Write `code` to `path` with the permissions that the umask leaves. Raises OSError.

    Whoever reads the path meanwhile sees the old file or the new one. Without `may_replace` a file
    that is there stays, also one that appeared just now, and FileExistsError is raised.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(code)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod((_PROGRAM_MODE if is_executable else _TEXT_MODE) & ~_umask())
        if may_replace:
            scratch.replace(path)
        else:
            # Unlike a rename, a link fails where something is.
            path.hardlink_to(scratch)
    finally:
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
