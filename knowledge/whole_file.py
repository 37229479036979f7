"""Writing a file so that it is there whole or as it was, whatever happens meanwhile."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_whole(target: Path, write: Callable[[Path], object], mode: int = 0o600) -> None:
    """Let `write` fill a temporary file beside `target`, and give it its name when it is whole.

    Raises OSError, and whatever `write` does; then `target` is as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    os.close(descriptor)
    partial = Path(name)
    try:
        write(partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.chmod(mode)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
