"""`private_folder`: a folder made for one program, and removed whatever the program made of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.errors import InvalidQuery


@contextlib.contextmanager
def private_folder(inputs: Sequence[Path] = (), parent: Path | None = None) -> Iterator[Path]:
    """A new folder for this user only, with copies of `inputs`; removed at the end.

    For root it must lie where every user may pass (`parent`), because no program runs as root.
    Raises InvalidQuery when two inputs have one name.
    """
    if len({path.name for path in inputs}) < len(inputs):
        raise InvalidQuery("Two of the files have the same name.", "Rename one of them.")
    folder = Path(tempfile.mkdtemp(prefix="midwatch-sandbox-", dir=parent))
    try:
        for path in inputs:
            _copy(path, folder / path.name)
        yield folder
    finally:
        remove(folder)


def _copy(path: Path, copy: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, copy, symlinks=True)
    else:
        shutil.copy2(path, copy)


def remove(folder: Path) -> None:
    """Remove a folder that a program has written, however deep and closed it is.

    Each folder in it is moved up before it is emptied: no path gets longer than two names, and no
    more than two descriptors are open.
    """
    names = (f".removing-{number}" for number in itertools.count())
    folder.chmod(stat.S_IRWXU)
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        while found := _names(top):
            for name in found:
                _remove_one(top, name, names)
    finally:
        os.close(top)
    folder.rmdir()


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as found:
        return [one.name for one in found]


def _remove_one(top: int, name: str, names: Iterator[str]) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    os.chmod(name, stat.S_IRWXU, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for below in _names(inner):
            _move_up(inner, below, top, names)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _move_up(inner: int, name: str, top: int, names: Iterator[str]) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=inner, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=inner)
        return
    # Moving a folder writes its "..", which its mode may forbid.
    os.chmod(name, stat.S_IRWXU, dir_fd=inner)
    os.rename(name, _free(names, top), src_dir_fd=inner, dst_dir_fd=top)


def _free(names: Iterator[str], top: int) -> str:
    return next(name for name in names if not _exists(name, top))


def _exists(name: str, top: int) -> bool:
    try:
        os.stat(name, dir_fd=top, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
