"""Which files the paths to ingest stand for.

Walks folders in a fixed order, follows symbolic links without ever entering a folder twice, and
reports what it could not look into. Reading the files is `knowledge.loaders`' work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import SourceNotFound

SUFFIXES = frozenset({".md", ".markdown", ".mdx", ".txt", ".rst"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to ingest, under its absolute path.

    `display` is what a person is shown: the path below the ingested folder with that folder's own
    name in front, so that the README files of two folders can be told apart.
    """

    path: Path
    display: str


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file or folder that could not be taken in, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The documents under `roots` (absolute), each once, in a fixed order."""

    roots: tuple[Path, ...]
    files: tuple[SourceFile, ...]
    failed: tuple[FailedFile, ...]


def list_files(paths: Iterable[Path]) -> Listing:
    """The documents that `paths`, files or folders, stand for.

    A file that is named itself is taken whatever its ending. Hidden files and folders below a
    named folder are left out. Raises SourceNotFound when one of `paths` cannot be reached.
    """
    roots = tuple(_reachable(path) for path in paths)
    visited: set[str] = set()
    found = [one for root in roots for one in _files_under(root, visited)]
    return Listing(
        roots,
        tuple(one for one in found if isinstance(one, SourceFile)),
        tuple(one for one in found if isinstance(one, FailedFile)),
    )


def _reachable(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links in it keep the names they have
    try:
        absolute.stat()
    except OSError as error:
        raise SourceNotFound(
            f"{absolute}: {error.strerror}", "give a file or folder that exists and can be read"
        ) from error
    return absolute


def _files_under(root: Path, visited: set[str]) -> Iterator[SourceFile | FailedFile]:
    # A link to a folder above the root would take in what nobody asked for.
    above = {str(folder) for folder in Path(os.path.realpath(root)).parents}
    for found in _walk(root, visited, above):
        if isinstance(found, FailedFile):
            yield found
        elif _printable(found) != found:
            yield FailedFile(_printable(found), "its name is not UTF-8")
        else:
            yield SourceFile(found, found.relative_to(root.parent).as_posix())


def _walk(path: Path, visited: set[str], above: set[str]) -> Iterator[Path | FailedFile]:
    real = os.path.realpath(path)
    if real in visited or real in above:
        return
    visited.add(real)
    if not path.is_dir():
        yield path
        return
    try:
        entries = _entries(path)
    except OSError as error:
        yield FailedFile(_printable(path), f"the folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        yield from _walk(entry, visited, above)


def _entries(folder: Path) -> list[Path]:
    """Subfolders and documents of `folder`; links last, so that a file keeps its own name."""
    visible = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    wanted = [entry for entry in visible if entry.is_dir() or entry.suffix.lower() in SUFFIXES]
    return sorted(wanted, key=lambda entry: (entry.is_symlink(), entry.name))


def _printable(path: Path) -> Path:
    """The path with U+FFFD for what is not UTF-8 in it: neither Chroma nor a terminal takes it."""
    return Path(os.fsencode(path).decode("utf-8", "replace"))
