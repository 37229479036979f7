"""What an ingest publishes: the changed files, to the server that several machines share.

A file's text goes first, under a name made of what it says; then the file's record, which makes it
appear. So a file is on the server whole or not at all, wherever the work ends. A new revision
afterwards tells the other machines that there is something to see.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from knowledge.catalog import FileEntry, NewPart, Writer
from knowledge.files import SourceFile
from knowledge.shared.file_body import body_of
from knowledge.shared.lease import Lease
from knowledge.shared.mirror import BODIES, FILES
from knowledge.store import Fields, Server


class RecordingWriter(Writer):
    """Changes a catalog, and remembers which files the change is about."""

    def __init__(self, database: sqlite3.Connection) -> None:
        super().__init__(database)
        self.new: dict[Path, tuple[FileEntry, list[NewPart]]] = {}
        self.moved: list[tuple[Path, SourceFile]] = []
        self.gone: set[Path] = set()

    def put(self, file: FileEntry, parts: Iterable[NewPart]) -> None:
        """Let `file` consist of `parts`, in place of what was held of its path."""
        kept = list(parts)
        super().put(file, kept)
        self.new[file.path] = (file, kept)
        self.gone.discard(file.path)

    def move(self, moves: Iterable[tuple[Path, SourceFile]]) -> None:
        """Hold files, each by its path, as other files, of whose paths nothing else is held."""
        kept = list(moves)
        super().move(kept)
        self.moved += kept

    def remove(self, paths: Iterable[Path]) -> None:
        """Drop the files `paths`, held or not."""
        kept = list(paths)
        super().remove(kept)
        self.gone.update(kept)
        for path in kept:
            self.new.pop(path, None)


class Publication:
    """The changes of one ingest on their way to `server`; every call may raise StoreUnavailable.

    `is_announced`: no one before left changes that the other machines were not told of.
    """

    def __init__(self, server: Server, lease: Lease, *, is_announced: bool) -> None:
        self._lease = lease
        self._renew_revision = server.renew_revision
        self._files, self._bodies = server.records(FILES), server.records(BODIES)
        self._is_announced = is_announced
        self._has_published = False

    def go_on(self) -> None:
        """Say that the ingest is alive. Raises IngestBusy when another machine has taken over."""
        self._lease.renew()

    def publish(self, change: RecordingWriter) -> str:
        """Let the server have the change; the revision it is in, "" when it is about no file.

        Raises IngestBusy when another machine has taken over.
        """
        if not (change.new or change.moved or change.gone):
            return ""
        self._lease.require()
        self._is_announced, self._has_published = False, True
        self._put(change.new.values())
        self._move(change.moved)
        self._files.remove([_file_id(path) for path in sorted(change.gone)])
        return self.announce()

    def announce(self) -> str:
        """Tell the other machines of what was published; the revision, "" if they were told."""
        if self._is_announced:
            return ""
        revision = self._renew_revision()
        self._is_announced = True
        return revision

    def drop_unused(self) -> None:
        """Delete texts that no file on the server consists of any more."""
        if self._has_published:
            used = {fields["body"] for fields in self._files.all().values()}
            self._bodies.remove(sorted(self._bodies.ids() - used))

    def _put(self, files: Iterable[tuple[FileEntry, list[NewPart]]]) -> None:
        contents = [(file, _content(file, parts)) for file, parts in files]
        self._bodies.put({_name(content): content for _, content in contents})
        self._files.put({_file_id(file.path): _listed(file, content) for file, content in contents})

    def _move(self, moves: Sequence[tuple[Path, SourceFile]]) -> None:
        held = self._files.some([_file_id(path) for path, _ in moves])
        known = [(held[_file_id(path)], to) for path, to in moves if _file_id(path) in held]
        self._files.put(
            {
                _file_id(to.path): {**fields, "path": str(to.path), "display": to.display}
                for fields, to in known
            }
        )
        self._files.remove([_file_id(path) for path, to in moves if path != to.path])


def _content(file: FileEntry, parts: Iterable[NewPart]) -> Fields:
    return {"parts": body_of(parts), "source": file.source}


def _listed(file: FileEntry, content: Fields) -> Fields:
    return {
        "path": str(file.path),
        "display": file.display,
        "digest": file.digest,
        "is_log": "yes" if file.is_log else "",
        "body": _name(content),
    }


def _name(content: Fields) -> str:
    return _digest(json.dumps(content, sort_keys=True))


def _file_id(path: Path) -> str:
    return _digest(str(path))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
