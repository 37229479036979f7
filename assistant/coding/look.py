"""A look at what a request names: a few lines of its files, a few names of its folders.

Read-only and bounded, within one folder, through no link. What it finds is text that others wrote:
it has lost its secrets, and whoever shows it to a model fences it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from assistant.coding.fields import numbered_fields

_MAX_NAMED = 4
_MAX_READ_BYTES = 16_384
_MAX_LINES = 3
_MAX_LINE_CHARS = 160
_MAX_LISTED = 8
_MAX_VISITED = 300
_MAX_DEPTH = 2
# Relative to the folder: what begins with a slash or ~ is elsewhere.
_NAME = re.compile(r"(?<![\w/~.@+-])[\w.@+-]+(?:/[\w.@+-]+)*")
_FOLDED = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Looked:
    """What stands at `name`, a path relative to the folder; `lines` are shown, `fields` counted."""

    name: str
    kind: Literal["file", "folder"]
    lines: tuple[str, ...]
    fields: str = ""


def look_at(task: str, folder: Path, redact: Callable[[str], str]) -> tuple[Looked, ...]:
    """The files and folders below `folder` that `task` names. Blocks; what is unreadable is left.

    Only regular text files and folders, and nothing that a link leads to.
    """
    found = (_looked(folder, name, redact) for name in _named(task))
    return tuple(islice((one for one in found if one is not None), _MAX_NAMED))


def _named(task: str) -> Iterator[str]:
    """The words of a request that may be paths, each once, in its order."""
    names = (name.rstrip(".").removeprefix("./") for name in _NAME.findall(task))
    return iter(dict.fromkeys(name for name in names if name and ".." not in name.split("/")))


def _looked(folder: Path, name: str, redact: Callable[[str], str]) -> Looked | None:
    path = folder / name
    try:
        if any((folder / part).is_symlink() for part in _parts(name)):
            return None
        if path.is_dir():
            return Looked(name, "folder", tuple(redact(one) for one in _listing(folder, path)))
        text = _text(path)
    except OSError:
        return None
    if text is None:
        return None
    # Hidden before it is cut: a part of a secret, or one line of a key, would pass for a word.
    lines = redact(text).splitlines()
    shown = [line[:_MAX_LINE_CHARS] for line in _telling_lines(lines)]
    return Looked(name, "file", tuple(shown), numbered_fields(shown))


def _parts(name: str) -> Iterator[str]:
    """The path and each folder on the way to it."""
    words = name.split("/")
    return ("/".join(words[: n + 1]) for n in range(len(words)))


def _text(path: Path) -> str | None:
    """The beginning of a regular text file; None for anything else. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        data = file.read(_MAX_READ_BYTES)
    if b"\0" in data:
        return None
    return data.decode(errors="replace")


def _telling_lines(lines: Sequence[str]) -> list[str]:
    """The first line of each shape: lines that differ in their numbers alone are of one."""
    filled = [line for line in lines if line.strip()]
    shapes: dict[str, str] = {}
    for line in filled:
        shapes.setdefault(_FOLDED.sub("0", line), line)
    return list(shapes.values())[:_MAX_LINES]


def _listing(folder: Path, path: Path) -> list[str]:
    """Names below a folder with their sizes and ages, the first ones by name."""
    found = sorted(islice(_below(path, _MAX_DEPTH), _MAX_VISITED))
    return [_entry(folder, one) for one in found[:_MAX_LISTED]]


def _below(path: Path, depth: int) -> Iterator[Path]:
    with os.scandir(path) as entries:
        for entry in entries:
            yield Path(entry.path)
            if depth > 1 and entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), depth - 1)


def _entry(folder: Path, path: Path) -> str:
    name = str(path.relative_to(folder))
    status = path.lstat()
    written = datetime.fromtimestamp(status.st_mtime, UTC).date()
    if stat.S_ISDIR(status.st_mode):
        return f"{name}/"
    if stat.S_ISLNK(status.st_mode):
        return f"{name} -> {path.readlink()}"
    return f"{name} ({status.st_size} bytes, {written})"
