"""Where `midwatch serve` listens, and where everybody else looks for it."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from assistant.errors import DataFolderError
from assistant.settings import Settings

# A socket's path is kept in 108 bytes, with a zero behind it.
_MAX_PATH_BYTES = 107
_NAME = "server.sock"


def socket_path(settings: Settings) -> Path:
    """The Unix socket of the server on these settings: one for each data folder."""
    chosen = settings.server.socket or settings.data.dir.absolute() / _NAME
    if len(os.fsencode(chosen)) <= _MAX_PATH_BYTES:
        return chosen
    digest = hashlib.sha256(os.fsencode(chosen)).hexdigest()[:16]
    return runtime_folder() / f"{digest}.sock"


def runtime_folder() -> Path:
    """A folder with a short path, for this user only."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return Path(base) / "midwatch"
    return Path(tempfile.gettempdir()) / f"midwatch-{os.getuid()}"


def make_private(folder: Path) -> None:
    """Make the folder for this user only. Raises DataFolderError when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_ours(folder):
        raise DataFolderError(
            f"{folder} belongs to somebody else, or others may write to it",
            "remove it, or choose another path: [server] socket",
        )


def is_ours(path: Path) -> bool:
    """Whether `path` is there, is this user's, and nobody else may put things in its place."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o022
