"""Zip archives: which documents are in one, and their bytes.

Wikis export to zip, and Notion puts the real zip inside another, so archives in an archive are
opened too, one level deep; a member of those is named `Part-1.zip/Page.md`. Nothing is ever
unpacked under a name that an archive chose, and whatever does not look right about a member (its
name, its kind, its size) refuses that member, not the rest. Only the two packing methods that every
tool writes are read: the others need as much memory as the archive asks for.

Which names are documents is the caller's to say (`knowledge.files`).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from knowledge.documents import Unusable

ARCHIVE_SUFFIX = ".zip"
MAX_MEMBERS = 20_000
MAX_TOTAL_BYTES = 1_000_000_000
MAX_NESTED_BYTES = 500_000_000

_MAX_INDEX_BYTES = 16_000_000
_MAX_NAME_CHARS = 1_000
# Deflate reaches 1,000 to 1 on nothing but zeros; text that people wrote stays below 20 to 1.
_MAX_RATIO = 200
_MAX_BYTES_OF_ANY_RATIO = 1_000_000
_PIECE_BYTES = 1_000_000
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Refused:
    """A member that is not taken, under its name in printable form, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Members:
    """The documents in an archive, by name and in a fixed order, and what was refused."""

    names: tuple[str, ...]
    refused: tuple[Refused, ...]


def list_members(archive: Path, is_wanted: Callable[[tuple[str, ...]], bool]) -> Members:
    """The members of `archive`, and of the archives in it, that `is_wanted`.

    It is asked by the parts of a member's name, of which there is at least one; what is not wanted
    is left out without a word. Raises Unusable when the archive cannot be read at all, or holds
    more than anybody would want to ingest.
    """
    with MemberReader() as reader:
        return _Survey(is_wanted).of(reader._opened(archive))


def read_member(archive: Path, member: str, max_bytes: int) -> bytes:
    """The bytes of one member. Raises Unusable, also when they are more than `max_bytes`.

    Opens the archive for this member alone; for many, keep a MemberReader.
    """
    with MemberReader() as reader:
        return reader.read(archive, member, max_bytes)


class MemberReader:
    """Reads members out of archives, on one thread; a context manager.

    The archive last read from stays open, and so does the last one inside it: reading the members
    in the order of their listing opens each archive once.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._archive: _Archive | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; the reader can still be used."""
        if self._archive is not None:
            self._archive.close()
        self._path = self._archive = None

    def read(self, archive: Path, member: str, max_bytes: int) -> bytes:
        """The bytes of one member. Raises Unusable, also when they are more than `max_bytes`."""
        return self._opened(archive).read(member, max_bytes)

    def _opened(self, path: Path) -> _Archive:
        """The archive at `path`, until another is asked for. Raises Unusable."""
        if self._archive is None or self._path != path:
            self.close()
            self._archive = _Archive(_regular_file(path))
            self._path = path
        return self._archive


class _Archive:
    """An open zip file, and the archive inside it that was opened last. Its calls raise Unusable.

    `members` are its files as (name, entry), as the archive has them: nothing is checked.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        self._file = _BoundedFile(raw)
        try:
            with _errors_mapped():
                self._zip = zipfile.ZipFile(self._file)
        except Unusable:
            self._file.close()
            raise
        self.members = [(_name(entry), entry) for entry in self._zip.infolist()]
        self._entries = dict(self.members)
        self._nested: tuple[str, _Archive] | None = None

    def close(self) -> None:
        if self._nested is not None:
            self._nested[1].close()
        self._nested = None
        self._zip.close()
        self._file.close()

    def read(self, name: str, max_bytes: int) -> bytes:
        if name in self._entries:
            return b"".join(self._unpacked(name, max_bytes))
        outer = next((outer for outer in _archive_names(name) if outer in self._entries), None)
        if outer is None:
            raise Unusable("no longer in its archive")
        return self.nested(outer).read(name.removeprefix(f"{outer}/"), max_bytes)

    def nested(self, name: str) -> _Archive:
        """The archive that the member `name` is, until another is asked for."""
        if self._nested is None or self._nested[0] != name:
            if self._nested is not None:
                self._nested[1].close()
                self._nested = None
            self._nested = (name, _Archive(self._copy_of(name)))
        return self._nested[1]

    def _copy_of(self, name: str) -> io.RawIOBase:
        # A packed archive cannot be read in place, nor kept in memory at any size.
        with _errors_mapped(), tempfile.TemporaryFile() as copy:
            copy.writelines(self._unpacked(name, MAX_NESTED_BYTES))
            copy.flush()
            return io.FileIO(os.dup(copy.fileno()))

    def _unpacked(self, name: str, max_bytes: int) -> Iterator[bytes]:
        """The member in pieces, no more than it declares, its checksum looked at in the end."""
        entry = self._entries[name]
        flaw = _flaw(entry)
        if flaw:
            raise Unusable(flaw)
        if entry.file_size > max_bytes:
            raise Unusable(f"larger than {max_bytes // 1_000_000} MB")
        with _errors_mapped(), self._zip.open(entry) as member:
            while piece := member.read(_PIECE_BYTES):
                yield piece


class _BoundedFile(io.BufferedReader):
    """A file that refuses to read very much at once.

    Members are read in pieces; only the archive's index is read as a whole, however large the
    archive says it is, and each of its entries then takes far more memory than in the file.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_INDEX_BYTES:
            raise zipfile.BadZipFile("its index is too large")
        return super().read(size)


class _Survey:
    """Goes through an archive for its documents, within the limits for one archive."""

    def __init__(self, is_wanted: Callable[[tuple[str, ...]], bool]) -> None:
        self._is_wanted = is_wanted
        self._names: list[str] = []
        self._refused: list[Refused] = []
        self._members = self._bytes = 0

    def of(self, archive: _Archive) -> Members:
        self._look_into(archive, "")
        counts = Counter(self._names)
        names = [name for name, count in counts.items() if count == 1]
        twice = [
            Refused(_printable(name), "its name occurs more than once in the archive")
            for name, count in counts.items()
            if count > 1
        ]
        refused = sorted(self._refused + twice, key=lambda one: one.name)
        return Members(tuple(sorted(names)), tuple(refused))

    def _look_into(self, archive: _Archive, prefix: str) -> None:
        for name, entry in archive.members:
            parts = _parts(prefix + name)
            is_folder = name.endswith("/") or not parts
            if is_folder or not self._is_wanted(parts):
                continue
            self._count(entry)
            reason = _flaw_of_name(name) or _flaw(entry)
            if reason:
                self._refuse(prefix + name, reason)
            elif name.lower().endswith(ARCHIVE_SUFFIX):
                self._look_into_nested(archive, name, prefix)
            else:
                self._names.append(prefix + name)

    def _look_into_nested(self, archive: _Archive, name: str, prefix: str) -> None:
        if prefix:
            self._refuse(prefix + name, "an archive inside an archive inside an archive")
            return
        try:
            nested = archive.nested(name)
        except Unusable as error:
            self._refuse(name, str(error))
        else:
            self._look_into(nested, f"{name}/")

    def _refuse(self, name: str, reason: str) -> None:
        self._refused.append(Refused(_printable(name), reason))

    def _count(self, entry: zipfile.ZipInfo) -> None:
        self._members += 1
        self._bytes += entry.file_size
        if self._members > MAX_MEMBERS:
            raise Unusable(f"holds more than {MAX_MEMBERS:,} documents")
        if self._bytes > MAX_TOTAL_BYTES:
            raise Unusable(f"its documents unpack to more than {MAX_TOTAL_BYTES // 10**9} GB")


def _regular_file(path: Path) -> io.FileIO:
    with _errors_mapped():
        # Asked before opening: opening a named pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unusable("not a regular file")
        return io.FileIO(path)


@contextlib.contextmanager
def _errors_mapped() -> Iterator[None]:
    """What the library raises for archives that are not what they say, as Unusable."""
    try:
        yield
    except NotImplementedError as error:
        raise Unusable(f"a kind of zip archive that is not read: {error}") from error
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError) as error:
        raise Unusable(f"a broken zip archive: {error or 'it ends too early'}") from error


def _name(entry: zipfile.ZipInfo) -> str:
    """The member's name in full; `entry.filename` ends at a NUL."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8_NAME:
        return name
    try:
        # Not marked as UTF-8, the name counts as code page 437; macOS writes UTF-8 all the same.
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _archive_names(name: str) -> Iterator[str]:
    """The archives that `name` could be in, by their place in it."""
    for end in re.finditer(rf"{re.escape(ARCHIVE_SUFFIX)}(?=/)", name, re.IGNORECASE):
        yield name[: end.end()]


def _parts(name: str) -> tuple[str, ...]:
    """What a person would see as the parts of `name`, however it is written."""
    return tuple(part for part in re.split(r"[/\\]", name) if part not in ("", ".", ".."))


def _flaw_of_name(name: str) -> str:
    """Why a member of that name is not taken; empty when nothing speaks against it.

    A name that passes is the same again after a way through `Path`.
    """
    parts = name.split("/")
    if len(name) > _MAX_NAME_CHARS:
        return "its name is too long"
    if _CONTROL.search(name):
        return "its name holds control characters"
    if "\\" in name:
        return "its name holds a backslash"
    if name.startswith("/"):
        return "its name is an absolute path"
    if ".." in parts:
        return "its name leads out of the archive"
    if "" in parts or "." in parts:
        return "its name is not a plain path"
    return ""


def _flaw(entry: zipfile.ZipInfo) -> str:
    """Why a member of that kind is not taken; empty when nothing speaks against it."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a symbolic link"
    if kind not in (0, stat.S_IFREG):
        return "not a regular file"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed by method {entry.compress_type}, which is not read"
    if entry.file_size > max(_MAX_BYTES_OF_ANY_RATIO, entry.compress_size * _MAX_RATIO):
        return f"unpacks to more than {_MAX_RATIO} times its size"
    return ""


def _printable(name: str) -> str:
    return _CONTROL.sub("\ufffd", name)[:_MAX_NAME_CHARS]
