"""The knowledge base on a Chroma server, which several machines share.

The server holds the truth: the files (`knowledge.shared.publication`) and all vectors. Whoever asks
reads a copy of it (`knowledge.shared.mirror`), which first looks whether it is still the truth:
where the server does not answer, there is no answer, since nobody could tell an old one from a true
one. An ingest holds the lease (`knowledge.shared.lease`), and then works as on a knowledge base of
its own: what it changes counts here once the server has it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from knowledge.catalog import Catalog, Writer
from knowledge.errors import OutdatedCatalog, StoreUnavailable
from knowledge.shared.lease import Lease
from knowledge.shared.mirror import Mirror
from knowledge.shared.note import Note
from knowledge.shared.publication import Publication, RecordingWriter
from knowledge.store import Server, VectorStore

_log = logging.getLogger(__name__)


def mirror_folder(data_dir: Path, url: str) -> Path:
    """Where the copy of the server at `url` is kept, apart from any other knowledge base."""
    return data_dir / "shared-knowledge" / hashlib.sha256(url.encode()).hexdigest()[:12]


class SharedKnowledge:
    """What the server at `url` holds, and this machine's copy of it in `folder`.

    It connects when it is first needed; safe to share between threads. Every call may raise
    StoreUnavailable.
    """

    def __init__(self, folder: Path, url: str, token: str = "") -> None:
        """`token` is sent to the server as a bearer token unless empty."""
        self._folder = folder
        self._url = url
        self._token = token
        self._opening = threading.Lock()
        self._server: Server | None = None
        self.catalog = SharedCatalog(folder / "catalog.sqlite3", self._refresh)

    def open_vectors(self) -> VectorStore:
        """The vectors on the server."""
        return self._open().vectors()

    @contextlib.contextmanager
    def ingesting(self) -> Iterator[None]:
        """Hold the lease, so that `catalog` can be written to, and no other machine ingests.

        The caller holds the folder's ingest lock. Raises IngestBusy.
        """
        server = self._open()
        server.revision()  # a server that was replaced meanwhile is noticed before it is written to
        lease = Lease(server.records("leases"), server.now_s, _owner(Note(self._folder / "owner")))
        # A holder that did not let go was stopped, maybe before it told of what it published.
        was_released = lease.take()
        publication = Publication(server, lease, is_announced=was_released)
        try:
            mirror = self._mirror()
            mirror.compare()
            with self.catalog.publishing(publication, mirror.note):
                yield
            publication.drop_unused()
        finally:
            _end(publication, lease)

    def close(self) -> None:
        """Let go of the connections. The next call opens them again."""
        with self._opening:
            if self._server is not None:
                self._server.close()
            self._server = None

    def _refresh(self) -> None:
        self._mirror().refresh()

    def _mirror(self) -> Mirror:
        return Mirror(self._folder, self._open())

    def _open(self) -> Server:
        with self._opening:
            if self._server is None:
                self._server = Server(self._url, self._token)
            return self._server


class SharedCatalog(Catalog):
    """The catalog of a mirror: it is brought up to date before it is read.

    It can be written to while `publishing`, and a change reaches the server before it counts here.
    A change that then fails here comes back with the next look at the server.
    """

    def __init__(self, path: Path, refresh: Callable[[], None]) -> None:
        super().__init__(path)
        self._refresh = refresh
        self._publication: Publication | None = None
        self._note: Callable[[str], None] = lambda _: None

    def exists(self) -> bool:
        """Whether anything was ever written; whoever reads asks this first."""
        if self._publication is None:
            self._refresh()
        return super().exists()

    @contextlib.contextmanager
    def publishing(self, publication: Publication, note: Callable[[str], None]) -> Iterator[None]:
        """Let changes be published; `note` learns of each revision that is then held here."""
        self._publication, self._note = publication, note
        try:
            yield
        finally:
            self._publication = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """All changes made through the writer, or none when the block ends in an error.

        Raises IngestBusy when another machine has taken over the lease.
        """
        publication = self._publication
        assert publication is not None, "only an ingest writes"
        publication.go_on()
        with self._transaction("BEGIN IMMEDIATE") as database:
            change = RecordingWriter(database)
            yield change
            revision = publication.publish(change)
        if revision:
            self._note(revision)

    def _outdated(self, version: str) -> OutdatedCatalog:
        return OutdatedCatalog(
            f"the copy of the shared knowledge base in {self.path.parent} was written by midwatch "
            f"in {version}",
            f"delete {self.path.parent}: it is copied again from the server",
        )


def _owner(note: Note) -> str:
    """The name by which a folder takes the lease, made once; under the ingest lock."""
    if note.read() is None:
        note.write(uuid.uuid4().hex)
    return note.read() or ""


def _end(publication: Publication, lease: Lease) -> None:
    """Let the other machines know, and work, as far as the server can still be reached."""
    try:
        publication.announce()
        lease.release()
    except StoreUnavailable as error:
        _log.warning("the lease on the server will end by itself: %s", error.message)
