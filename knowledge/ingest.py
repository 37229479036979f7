"""Ingest: bring the knowledge base to what its files say now.

Unchanged files cost a read and a hash. Changed ones are divided, embedded in batches that reach
across files, stored under a new version, and only then published; see `knowledge.manifest` for why
nothing is ever half there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.chunks import Chunk, split
from knowledge.embedding import Embedder
from knowledge.errors import IngestBusy, StoreUnavailable
from knowledge.files import FailedFile, Listing, SourceFile
from knowledge.loaders import Unusable, load
from knowledge.manifest import Entry, Manifest
from knowledge.store import ChunkStore

BATCH_CHUNKS = 64

# Goes into every digest: raised when documents must be divided or embedded anew.
_RECIPE = b"1 all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is: files finished (whatever became of them) and chunks written so far."""

    files_done: int
    files_total: int
    chunks: int


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the files, in numbers; `chunks` counts those that were embedded."""

    added: int
    updated: int
    unchanged: int
    removed: int
    failed: tuple[FailedFile, ...]
    chunks: int
    duration_s: float


@contextlib.contextmanager
def ingest_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, which the system lets go of when the process ends.

    Raises IngestBusy when another process, or another thread, holds it.
    """
    try:
        file = path.open("a")
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written: {error.strerror}", "choose a data folder that is writable"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IngestBusy(
                f"another ingest is writing to {path.parent}", "wait until it ends, and try again"
            ) from error
        yield


def ingest(
    listing: Listing,
    manifest: Manifest,
    store: ChunkStore,
    embedder: Embedder,
    progress: Callable[[IngestProgress], None],
) -> IngestReport:
    """Take in the files of `listing`; drop documents below its roots whose files are gone.

    A file that cannot be used is listed as failed, and what is held of it stays. The caller holds
    the ingest lock. Raises StoreUnavailable, EmbeddingUnavailable; the next ingest then goes on
    where this one ended.
    """
    return _Ingest(listing, manifest, store, embedder, progress).run()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A new or changed document on its way into the store."""

    entry: Entry
    chunks: list[Chunk]


class _Ingest:
    """One ingest of a listing, and the figures it gathers on the way."""

    def __init__(
        self,
        listing: Listing,
        manifest: Manifest,
        store: ChunkStore,
        embedder: Embedder,
        progress: Callable[[IngestProgress], None],
    ) -> None:
        self._listing = listing
        self._manifest = manifest
        self._store = store
        self._embedder = embedder
        self._progress = progress
        self._known: dict[Path, tuple[int, Entry]] = {}
        self._failed = list(listing.failed)
        self._added = self._updated = self._unchanged = self._removed = 0
        self._files_done = self._chunks = 0

    def run(self) -> IngestReport:
        started = time.perf_counter()
        self._sweep()
        self._require_whole_store()
        current = self._manifest.current()
        self._known = {entry.file.path: (version, entry) for version, entry in current.items()}
        self._advance(files=0)
        for drafts in _batches(self._drafts()):
            self._take_in(drafts)
        self._retire_missing()
        self._sweep()
        return IngestReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            removed=self._removed,
            failed=tuple(self._failed),
            chunks=self._chunks,
            duration_s=time.perf_counter() - started,
        )

    def _sweep(self) -> None:
        """Delete what does not count: old versions, and those of an ingest that was killed."""
        versions = self._manifest.unfinished()
        self._store.remove(versions)
        self._manifest.forget(versions)

    def _require_whole_store(self) -> None:
        _, expected = self._manifest.totals()
        found = self._store.count()
        if found != expected:
            raise StoreUnavailable(
                f"the index holds {found} chunks where its list of documents says {expected}",
                f"delete {self._manifest.path.parent} and ingest again",
            )

    def _drafts(self) -> Iterator[_Draft]:
        """The files that are new or changed; the others are counted on the way."""
        for file in self._listing.files:
            try:
                content = load(file.path)
                digest = hashlib.sha256(_RECIPE + content.data).hexdigest()
                known = self._known.get(file.path)
                if known is not None and known[1].digest == digest:
                    self._keep(file, *known)
                else:
                    yield _draft(file, digest, content.text)
            except Unusable as error:
                self._failed.append(FailedFile(file.path, str(error)))
                self._advance(files=1)

    def _keep(self, file: SourceFile, version: int, entry: Entry) -> None:
        if file.display != entry.file.display:
            self._manifest.relabel(version, file.display)
        self._unchanged += 1
        self._advance(files=1)

    def _take_in(self, drafts: Sequence[_Draft]) -> None:
        versions = self._manifest.begin([draft.entry for draft in drafts])
        rows = [
            (version, draft.entry.file.path, chunk)
            for version, draft in zip(versions, drafts, strict=True)
            for chunk in draft.chunks
        ]
        for start in range(0, len(rows), BATCH_CHUNKS):
            batch = rows[start : start + BATCH_CHUNKS]
            vectors = self._embedder.embed([chunk.embedded_text for _, _, chunk in batch])
            self._store.add(batch, vectors)
            self._chunks += len(batch)
            self._advance(files=0)
        self._manifest.publish(versions)
        self._sweep()
        updated = sum(draft.entry.file.path in self._known for draft in drafts)
        self._updated += updated
        self._added += len(drafts) - updated
        self._advance(files=len(drafts))

    def _retire_missing(self) -> None:
        """Retire what is held of files below the roots that are no longer there.

        A folder that could not be read says nothing about its files: those stay.
        """
        there = {file.path for file in self._listing.files}
        unclear = [failed.path for failed in self._listing.failed]
        missing = [
            version
            for path, (version, _) in self._known.items()
            if _is_below(path, self._listing.roots)
            and path not in there
            and not _is_below(path, unclear)
        ]
        self._manifest.retire(missing)
        self._removed = len(missing)

    def _advance(self, files: int) -> None:
        self._files_done += files
        self._progress(IngestProgress(self._files_done, len(self._listing.files), self._chunks))


def _draft(file: SourceFile, digest: str, text: str) -> _Draft:
    chunks = split(text, file.path)
    if not chunks:
        raise Unusable("nothing but headings")
    return _Draft(Entry(file, digest, len(chunks)), chunks)


def _batches(drafts: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    """Drafts together until they fill an embedding batch."""
    batch: list[_Draft] = []
    for draft in drafts:
        batch.append(draft)
        if sum(len(one.chunks) for one in batch) >= BATCH_CHUNKS:
            yield batch
            batch = []
    if batch:
        yield batch


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
