"""The mirror: this machine's copy of the knowledge base on a server.

A search wants the catalog's tables beside it, and a small question to the server says whether the
copy is still what the server holds. What differs is fetched file by file; what was embedded comes
along, so that no machine does that twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from knowledge.catalog import Catalog, FileEntry, NewPart, Writer
from knowledge.errors import StoreUnavailable
from knowledge.shared.file_body import parts_of
from knowledge.shared.note import Note
from knowledge.store import Fields, Server

FILES = "files"
BODIES = "bodies"

_FILES_AT_ONCE = 50

_log = logging.getLogger(__name__)


class Mirror:
    """The copy in `folder` of what `server` holds. Every call may raise StoreUnavailable."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.catalog = Catalog(folder / "catalog.sqlite3")
        self._folder = folder
        self._revision = Note(folder / "revision")
        self._server = server

    def refresh(self) -> None:
        """Let the copy be what the server holds; a millisecond when it is already."""
        if self._server.revision() != self._noted():
            with self._alone():
                if self._server.revision() != self._noted():
                    self._catch_up()

    def compare(self) -> None:
        """As `refresh`, and look at each file even when nothing seems to have changed."""
        with self._alone():
            self._catch_up()

    def note(self, revision: str) -> None:
        """Take the copy for what the server holds at `revision`."""
        self._revision.write(revision)

    def _noted(self) -> str | None:
        """The revision that the copy is of, "" where there is no copy; None: nobody noted it."""
        return self._revision.read() if self.catalog.exists() else ""

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for other threads and processes that copy into the same folder."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self._folder / "mirror.lock").open("a")
        except OSError as error:
            raise StoreUnavailable(
                f"{self._folder} cannot be made: {error.strerror}",
                "choose a data folder that is writable",
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _catch_up(self) -> None:
        revision = self._server.revision()
        while not self._copy(self._listed() if revision else {}):
            earlier, revision = revision, self._server.revision()
            if revision == earlier:
                # Not noted: the next look finds what an ingest has mended meanwhile.
                _log.warning("some files on the server lack parts; the next ingest mends them")
                return
        self.note(revision)

    def _listed(self) -> dict[Path, Fields]:
        """The files on the server."""
        return {Path(one["path"]): one for one in self._server.records(FILES).all().values()}

    def _copy(self, listed: dict[Path, Fields]) -> bool:
        """Bring the catalog to `listed`; False when some could not be fetched whole."""
        with self.catalog.reading() as known:
            held = known.files()
        new = [one for path, one in listed.items() if not _is_same(held.get(path), one)]
        num_taken = sum(
            self._fetch(new[start : start + _FILES_AT_ONCE])
            for start in range(0, len(new), _FILES_AT_ONCE)
        )
        # Last, so that a file which was moved keeps its vectors.
        gone = held.keys() - listed.keys()
        if gone:
            with self._changing() as change:
                change.remove(gone)
        return num_taken == len(new)

    def _fetch(self, files: Sequence[Fields]) -> int:
        """Take files into the catalog; how many of them the server still has whole."""
        bodies = self._server.records(BODIES).some(sorted({one["body"] for one in files}))
        there = [(one, bodies[one["body"]]) for one in files if one["body"] in bodies]
        drafts = [(_entry(one, body), parts_of(body["parts"])) for one, body in there]
        with self._changing() as change:
            self._fetch_vectors({name for _, parts in drafts for name in _hashes(parts)}, change)
            usable = [draft for draft in drafts if _are_known(_hashes(draft[1]), change)]
            for entry, parts in usable:
                change.put(entry, parts)
        return len(usable)

    def _fetch_vectors(self, hashes: set[str], change: Writer) -> None:
        lacking = sorted(hashes - change.known_hashes(hashes))
        change.keep_vectors(self._server.vectors().embeddings(lacking).items())

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Writer]:
        """Change the catalog, and drop the vectors that this leaves without a file.

        Those that had none before are on their way into a file: an ingest may be making it.
        """
        with self.catalog.writing() as change:
            before = set(change.unused())
            yield change
            change.forget_vectors(set(change.unused()) - before)


def _is_same(held: FileEntry | None, listed: Fields) -> bool:
    return held is not None and all(
        (
            held.display == listed["display"],
            held.digest == listed["digest"],
            held.is_log == bool(listed["is_log"]),
        )
    )


def _entry(listed: Fields, body: Fields) -> FileEntry:
    return FileEntry(
        path=Path(listed["path"]),
        display=listed["display"],
        digest=listed["digest"],
        source=body["source"],
        is_log=bool(listed["is_log"]),
    )


def _hashes(parts: Iterable[NewPart]) -> list[str]:
    return [name for part in parts for name in part.hashes]


def _are_known(hashes: Sequence[str], known: Writer) -> bool:
    return len(known.known_hashes(hashes)) == len(set(hashes))
