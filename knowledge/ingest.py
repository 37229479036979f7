"""Ingest: bring the knowledge base to what its sources say now.

Unchanged files cost a read and a hash. What is new is divided, and those of its passages that were
never seen before are embedded, in batches that reach across files; vectors are kept as they are
made, so that an ingest that was killed goes on where it was. A file's documents then appear all at
once (`knowledge.catalog`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.catalog import Catalog, FileEntry, NewPart
from knowledge.chunks import Chunk, split
from knowledge.documents import Document, Kind, NoDocument, Unusable
from knowledge.embedding import Embedder
from knowledge.errors import IngestBusy, StoreUnavailable
from knowledge.files import FailedFile, Listing, SourceFile
from knowledge.loaders import Reading, SourceReader
from knowledge.search.form import runbook_form
from knowledge.search.glossary import products_of
from knowledge.search.terms import terms_of
from knowledge.store import VectorStore

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

BATCH_CHUNKS = 64
_MEND_VECTORS = 2_000

# A longer document is ranked in parts: what it is about as a whole would be about everything.
_PART_CHUNKS = 8


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is: files finished (whatever became of them), and chunks embedded."""

    files_done: int
    files_total: int
    chunks: int


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the files, in numbers; `chunks` counts those that were embedded.

    `moved` files have only another path than before. `embedding_s` is the share of `duration_s`
    that was spent in the embedding model.
    """

    added: int
    updated: int
    moved: int
    unchanged: int
    removed: int
    failed: tuple[FailedFile, ...]
    chunks: int
    duration_s: float
    embedding_s: float

    @property
    def has_changes(self) -> bool:
        """Whether the knowledge base is another one now."""
        return bool(self.added or self.updated or self.moved or self.removed)


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
        except OSError as error:
            raise StoreUnavailable(
                f"{path} cannot be locked: {error.strerror}",
                "choose a data folder on a file system that has locks",
            ) from error
        yield


def ingest(
    listing: Listing,
    reader: SourceReader,
    catalog: Catalog,
    store: VectorStore,
    embedder: Embedder,
    progress: Callable[[IngestProgress], None],
    *,
    are_logs: bool = False,
) -> IngestReport:
    """Take in the files of `listing`; drop files below its roots that are gone.

    Logs and documents of one folder do not touch each other. A file that cannot be used is listed
    as failed, and what is held of it stays. The caller holds the ingest lock. Raises
    StoreUnavailable, EmbeddingUnavailable; the next ingest then goes on where this one ended.
    """
    return _Ingest(listing, reader, catalog, store, embedder, progress, are_logs).run()


def mend_index(catalog: Catalog, store: VectorStore) -> None:
    """Let the vector index hold what the catalog does, whatever was done to it meanwhile."""
    held = store.hashes()
    with catalog.reading() as known:
        wanted = set(known.all_hashes())
        for names in _slices(sorted(wanted - held), _MEND_VECTORS):
            store.add(known.embeddings(names))
    store.remove(sorted(held - wanted))


def drop_unused(catalog: Catalog, store: VectorStore) -> None:
    """Delete the vectors that belong to no document any more."""
    with catalog.reading() as known:
        unused = known.unused()
    if unused:
        store.remove(unused)
        with catalog.writing() as change:
            change.forget_vectors(unused)


@dataclass(frozen=True, slots=True)
class _DraftPart:
    document: Document
    form: float
    chunks: tuple[Chunk, ...]
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A new or changed file on its way into the catalog."""

    entry: FileEntry
    parts: tuple[_DraftPart, ...]

    def texts(self) -> dict[str, str]:
        """What is embedded, by its hash."""
        return {
            name: chunk.embedded_text
            for part in self.parts
            for name, chunk in zip(part.hashes, part.chunks, strict=True)
        }


class _Ingest:
    """One ingest of a listing, and the figures it gathers on the way."""

    def __init__(
        self,
        listing: Listing,
        reader: SourceReader,
        catalog: Catalog,
        store: VectorStore,
        embedder: Embedder,
        progress: Callable[[IngestProgress], None],
        are_logs: bool,
    ) -> None:
        self._listing = listing
        self._reader = reader
        self._catalog = catalog
        self._store = store
        self._embedder = embedder
        self._progress = progress
        self._are_logs = are_logs
        self._known: dict[Path, FileEntry] = {}
        self._missing: dict[str, list[FileEntry]] = {}  # by digest: where a new file may come from
        self._moves: list[tuple[Path, SourceFile]] = []
        self._failed = list(listing.failed)
        self._added = self._updated = self._moved = self._unchanged = self._removed = 0
        self._files_done = self._chunks = 0
        self._embedding_s = 0.0

    def run(self) -> IngestReport:
        started = time.perf_counter()
        with self._catalog.reading() as known:
            self._known = known.files()
        mend_index(self._catalog, self._store)
        self._missing = self._find_missing()
        self._advance(files=0)
        for drafts in _batches(self._drafts()):
            self._take_in(drafts)
        self._move_and_remove()
        drop_unused(self._catalog, self._store)
        return IngestReport(
            added=self._added,
            updated=self._updated,
            moved=self._moved,
            unchanged=self._unchanged,
            removed=self._removed,
            failed=tuple(self._failed),
            chunks=self._chunks,
            duration_s=time.perf_counter() - started,
            embedding_s=self._embedding_s,
        )

    def _find_missing(self) -> dict[str, list[FileEntry]]:
        """What is held of files below the roots that are no longer there.

        A folder that could not be read says nothing about its files: those stay.
        """
        there = {file.path for file in self._listing.files}
        roots, unclear = set(self._listing.roots), {one.path for one in self._listing.failed}
        missing: dict[str, list[FileEntry]] = {}
        for path, entry in self._known.items():
            is_ours = entry.is_log == self._are_logs and is_below(path, roots)
            if is_ours and path not in there and not is_below(path, unclear):
                missing.setdefault(entry.digest, []).append(entry)
        return missing

    def _drafts(self) -> Iterator[_Draft]:
        """The files that are new or changed; the others are counted on the way."""
        for file in self._listing.files:
            known = self._known.get(file.path)
            try:
                reading = self._reader.read(file, known.digest if known else "")
                if reading is None:
                    self._keep(file, known)
                elif not self._move(file, reading.digest):
                    yield _Draft(self._entry(file, reading), _draft_parts(file, reading.documents))
            except NoDocument as error:
                self._pass_over(file, known, error)
            except Unusable as error:
                self._failed.append(FailedFile(file.path, str(error)))
                self._advance(files=1)

    def _pass_over(self, file: SourceFile, known: FileEntry | None, error: NoDocument) -> None:
        """A folder may hold other files of such a kind; what once was a document is gone."""
        if file.path in self._listing.roots:
            self._failed.append(FailedFile(file.path, str(error)))
        elif known is not None:
            self._missing.setdefault(known.digest, []).append(known)
        self._advance(files=1)

    def _entry(self, file: SourceFile, reading: Reading) -> FileEntry:
        return FileEntry(file.path, file.display, reading.digest, reading.source, self._are_logs)

    def _keep(self, file: SourceFile, known: FileEntry | None) -> None:
        if known is not None and file.display != known.display:
            self._moves.append((file.path, file))
        self._unchanged += 1
        self._advance(files=1)

    def _move(self, file: SourceFile, digest: str) -> bool:
        """Let a file that is gone go on under the new path; False when there is none like it."""
        alike = self._missing.get(digest)
        if file.path in self._known or not alike:
            return False
        self._moves.append((alike.pop().path, file))
        self._moved += 1
        self._advance(files=1)
        return True

    def _take_in(self, drafts: Sequence[_Draft]) -> None:
        self._embed({name: text for draft in drafts for name, text in draft.texts().items()})
        self._publish(drafts)
        updated = sum(draft.entry.path in self._known for draft in drafts)
        self._updated += updated
        self._added += len(drafts) - updated
        self._advance(files=len(drafts))

    def _embed(self, texts: dict[str, str]) -> None:
        """Bring the vectors of `texts` (by hash) into the catalog and the index, where new."""
        with self._catalog.reading() as known:
            new = sorted(texts.keys() - known.known_hashes(texts))
        for names in _slices(new, BATCH_CHUNKS):
            began = time.perf_counter()
            embeddings = self._embedder.embed([texts[name] for name in names])
            self._embedding_s += time.perf_counter() - began
            with self._catalog.writing() as change:
                change.keep_vectors(zip(names, embeddings, strict=True))
            self._store.add(dict(zip(names, embeddings, strict=True)))
            self._chunks += len(names)
            self._advance(files=0)

    def _publish(self, drafts: Sequence[_Draft]) -> None:
        with self._catalog.writing() as change:
            for draft in drafts:
                sentences = change.sentences(draft.texts())
                change.put(draft.entry, [_new_part(draft.entry, p, sentences) for p in draft.parts])

    def _move_and_remove(self) -> None:
        """What costs no embedding, all in one transaction: a folder of thousands may be renamed."""
        gone = [entry.path for entries in self._missing.values() for entry in entries]
        if gone or self._moves:
            with self._catalog.writing() as change:
                change.move(self._moves)
                change.remove(gone)
        self._removed = len(gone)

    def _advance(self, files: int) -> None:
        self._files_done += files
        self._progress(IngestProgress(self._files_done, len(self._listing.files), self._chunks))


def _draft_parts(file: SourceFile, documents: Iterable[Document]) -> tuple[_DraftPart, ...]:
    parts = tuple(part for document in documents for part in _divided(document, file.path))
    if not parts:
        raise Unusable("nothing but headings")
    return parts


def _divided(document: Document, path: Path) -> Iterator[_DraftPart]:
    chunks = split(document, path)
    # A log's passages have nothing to do with each other: each is a part of its own.
    size = 1 if document.kind == "log" else _part_size(len(chunks))
    form = runbook_form(chunk.heading for chunk in chunks)
    for start in range(0, len(chunks), size):
        some = tuple(chunks[start : start + size])
        hashes = tuple(_hash(chunk.embedded_text) for chunk in some)
        yield _DraftPart(document, form, some, hashes)


def _part_size(num_chunks: int) -> int:
    """Chunks in each part, so that all parts have about as many."""
    num_parts = -(-num_chunks // _PART_CHUNKS)
    return -(-num_chunks // num_parts) if num_parts else 1


def _new_part(entry: FileEntry, part: _DraftPart, sentences: dict[str, Vectors]) -> NewPart:
    document = part.document
    words = "\n".join(chunk.embedded_text for chunk in part.chunks)
    text = f"{document.name or entry.path.stem}\n{words}"
    return NewPart(
        name=document.name,
        kind=_kind(document),
        services=document.services,
        dated_utc=document.dated_utc or _changed_utc(entry.path),
        form=part.form,
        vector=_mean([sentences[name] for name in part.hashes]),
        chunks=part.chunks,
        hashes=part.hashes,
        terms=terms_of(text),
        products=products_of(text),
    )


def _kind(document: Document) -> Kind:
    return document.kind or "runbook"


def _changed_utc(path: Path) -> datetime:
    """When the file, or the archive that it is in, was last changed; now when it is neither."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            return datetime.fromtimestamp(place.stat().st_mtime, UTC)
    return datetime.now(UTC)


def _mean(vectors: Sequence[Vectors]) -> Vectors:
    import numpy as np

    total: Vectors = _stacked(vectors).sum(axis=0)
    return (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)


def _stacked(vectors: Iterable[Vectors]) -> Vectors:
    import numpy as np

    return np.stack(list(vectors))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _batches(drafts: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    """Drafts together until they fill an embedding batch."""
    batch: list[_Draft] = []
    size = 0
    for draft in drafts:
        batch.append(draft)
        size += sum(len(part.chunks) for part in draft.parts)
        if size >= BATCH_CHUNKS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _slices(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def is_below(path: Path, folders: Set[Path]) -> bool:
    """Whether `path` is one of `folders` or in one; as cheap for many of them as for one."""
    return path in folders or not folders.isdisjoint(path.parents)
