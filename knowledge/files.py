"""Which files the paths to ingest stand for.

Walks folders in a fixed order, follows symbolic links without ever entering a folder twice, looks
into archives, and reports what it could not look into. Left out are hidden files and folders, what
git ignores in a checkout (`knowledge.checkouts`), and, with or without git, folders of installed
code (`node_modules`, `venv`, `__pycache__`): a dependency's README says nothing about our services.
Reading the files is `knowledge.loaders`' work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.archives import ARCHIVE_SUFFIX, list_members
from knowledge.checkouts import ignored_below, is_ignored, is_in_checkout
from knowledge.documents import Unusable
from knowledge.errors import SourceNotFound

SUFFIXES = frozenset(
    {
        ".adoc",
        ".asciidoc",
        ".docx",
        ".htm",
        ".html",
        ".ipynb",
        ".markdown",
        ".md",
        ".mdx",
        ".pdf",
        ".rst",
        ".txt",
        ".xhtml",
        ".yaml",
        ".yml",
    }
)
_SUFFIXES_AND_ARCHIVE = tuple(SUFFIXES | {ARCHIVE_SUFFIX})
_LEFT_OUT = frozenset({"__MACOSX", "__pycache__", "node_modules", "venv"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to ingest, under its absolute path.

    `display` is what a person is shown: the path below the ingested folder with that folder's own
    name in front, so that the README files of two folders can be told apart. With `archive` set the
    document is a member of it, and `path` is the archive's path with the member's name behind.
    """

    path: Path
    display: str
    archive: Path | None = None

    @property
    def member(self) -> str:
        """The document's name in its archive; the file's own name when it is in none."""
        return self.path.relative_to(self.archive or self.path.parent).as_posix()


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

    A file that is named itself is taken whatever its ending, and a folder that is named itself
    whatever its name and git's opinion. Raises SourceNotFound when one of `paths` cannot be
    reached.
    """
    roots = tuple(_reachable(path) for path in paths)
    visited: set[str] = set()
    found = [one for root in roots for one in _documents_under(root, visited)]
    return Listing(
        roots,
        tuple(one for one in found if isinstance(one, SourceFile)),
        tuple(one for one in found if isinstance(one, FailedFile)),
    )


def walk(roots: Iterable[Path]) -> Iterator[Path | FailedFile]:
    """The files, archives unopened, under `roots` (absolute), each once, in a fixed order.

    A root that does not exist is yielded as a file.
    """
    visited: set[str] = set()
    for root in roots:
        yield from _walk(root, visited)


def _reachable(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links in it keep the names they have
    try:
        absolute.stat()
    except OSError as error:
        raise SourceNotFound(
            f"{absolute}: {error.strerror}", "give a file or folder that exists and can be read"
        ) from error
    return absolute


def _documents_under(root: Path, visited: set[str]) -> Iterator[SourceFile | FailedFile]:
    above = os.path.join(root.parent, "")  # noqa: PTH118 - keeps the slash
    for found in _walk(root, visited):
        if isinstance(found, FailedFile):
            yield found
        elif found.suffix.lower() == ARCHIVE_SUFFIX:
            yield from _members_of(found, str(found).removeprefix(above))
        else:
            yield SourceFile(found, str(found).removeprefix(above))


def _members_of(archive: Path, display: str) -> Iterator[SourceFile | FailedFile]:
    try:
        members = list_members(archive, _is_wanted_member)
    except Unusable as error:
        yield FailedFile(archive, str(error))
        return
    for name in members.names:
        yield SourceFile(archive / name, f"{display}/{name}", archive)
    for refused in members.refused:
        # Joined as text: a name that is an absolute path must not replace the archive's.
        yield FailedFile(Path(f"{archive}/{refused.name}"), refused.reason)


def _is_wanted_member(parts: tuple[str, ...]) -> bool:
    return all(map(_is_visible, parts)) and parts[-1].lower().endswith(_SUFFIXES_AND_ARCHIVE)


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name not in _LEFT_OUT


@dataclass(frozen=True, slots=True)
class _Place:
    """A file or folder on the walk: under the name it was found by, and where that leads."""

    path: str
    real: str
    is_folder: bool


def _walk(root: Path, visited: set[str]) -> Iterator[Path | FailedFile]:
    start = _Place(str(root), os.path.realpath(root), os.path.isdir(root))  # noqa: PTH112 - no errors
    # A link to a folder above the root would take in what nobody asked for.
    above = {str(folder) for folder in Path(start.real).parents}
    ignored = _ignored_under_root(start)
    waiting = [start]
    while waiting:
        place = waiting.pop()
        if place.real in visited or place.real in above or place.path in ignored:
            continue
        visited.add(place.real)
        if not place.is_folder:
            yield _file(place.path)
            continue
        entries = _entries(place)
        if isinstance(entries, FailedFile):
            yield entries
            continue
        if place is not start and any(entry.name == ".git" for entry in entries):
            ignored |= ignored_below(Path(place.path))
        waiting += [_place(entry, place) for entry in reversed(entries) if _is_wanted(entry)]


def _ignored_under_root(root: _Place) -> frozenset[str]:
    """What git ignores below a root; nothing when it ignores the root, which was asked for."""
    folder = Path(root.path)
    if not root.is_folder or not is_in_checkout(Path(root.real)) or is_ignored(folder):
        return frozenset()
    return ignored_below(folder)


def _entries(folder: _Place) -> list[os.DirEntry[str]] | FailedFile:
    """All that is in `folder`; links last, so that a file keeps its own name."""
    try:
        with os.scandir(folder.path) as entries:
            return sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        reason = f"the folder cannot be read: {error.strerror}"
        return FailedFile(_printable(folder.path), reason)


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    return _is_visible(entry.name) and (
        entry.name.lower().endswith(_SUFFIXES_AND_ARCHIVE) or _is_folder(entry)
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or where nobody may look
        return False


def _place(entry: os.DirEntry[str], folder: _Place) -> _Place:
    # Only links need the costly question where they lead.
    real = (
        os.path.realpath(entry.path)
        if entry.is_symlink()
        else os.path.join(folder.real, entry.name)  # noqa: PTH118 - 10 times faster than Path
    )
    return _Place(entry.path, real, _is_folder(entry))


def _file(path: str) -> Path | FailedFile:
    try:
        path.encode()
    except UnicodeEncodeError:
        return FailedFile(_printable(path), "its name is not UTF-8")
    return Path(path)


def _printable(path: str) -> Path:
    """The path with U+FFFD for what is not UTF-8 in it: neither Chroma nor a terminal takes it."""
    return Path(os.fsencode(path).decode("utf-8", "replace"))
