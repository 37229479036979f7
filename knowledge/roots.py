"""Roots: what a person asked to ingest, remembered, so that it can be ingested again.

A root keeps its kind until it is ingested under another one, also when a folder above it is: what
lies below several roots has the kind of the nearest. A root that is gone, or was emptied, may be a
share that is not mounted just now: what is held of it stays until the person lets go of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from knowledge.catalog import Catalog, Holding, Reader, Root
from knowledge.documents import Kind
from knowledge.embedding import Embedder
from knowledge.errors import SourceNotFound
from knowledge.files import FailedFile, Listing, SourceFile, list_files
from knowledge.ingest import IngestProgress, IngestReport, drop_unused, ingest, is_below
from knowledge.loaders import FileReader, Reading, SourceReader
from knowledge.store import VectorStore

_NAMED_ROOTS = 5

ListLogs = Callable[[Sequence[Path]], tuple[Listing, SourceReader]]


@dataclass(frozen=True, slots=True)
class Source:
    """A root, and how much is held of it; what lies below several roots counts for the nearest."""

    path: Path
    kind: Kind | None
    is_there: bool
    num_documents: int
    num_chunks: int
    ingested_at_utc: datetime


@dataclass(frozen=True, slots=True)
class Intake:
    """Ingests roots into a catalog; the caller holds the ingest lock.

    `is_anew`: unchanged files are read as well. Every call may raise what `knowledge.ingest` does.
    """

    catalog: Catalog
    store: VectorStore
    embedder: Embedder
    progress: Callable[[IngestProgress], None]
    is_anew: bool = False

    def documents(self, paths: Iterable[Path], kind: Kind | None) -> IngestReport:
        """Ingest the documents of `paths`. Raises SourceNotFound."""
        listing = list_files(paths)
        self._remember(listing.roots, kind)
        return self._ingest_documents(listing)

    def logs(self, listing: Listing, reader: SourceReader) -> IngestReport:
        """Ingest the logs of `listing`."""
        self._remember(listing.roots, "log")
        return self._ingest(listing, reader, are_logs=True)

    def again(self, list_logs: ListLogs | None) -> IngestReport:
        """Ingest all roots; logs only with `list_logs`.

        Roots that are gone are listed as failed. Raises SourceNotFound when there are no roots.
        """
        with self.catalog.reading() as known:
            roots, held = known.roots(), known.holdings()
        if not roots:
            raise SourceNotFound(
                "nothing was ingested yet", "say what to ingest: midwatch ingest FOLDER"
            )
        documents = [root for root in roots if root.kind != "log"]
        logs = [root for root in roots if root.kind == "log"]
        reports = [self._documents_again(documents, held)] if documents else []
        if logs and list_logs is not None:
            reports.append(self._logs_again(logs, held, list_logs))
        return total(reports)

    def _documents_again(self, roots: Sequence[Root], held: Sequence[Holding]) -> IngestReport:
        there = [root for root in roots if is_there(root.path)]
        listing = _checked(list_files(root.path for root in there), roots, held, are_logs=False)
        self._note_time(there)
        return self._ingest_documents(listing)

    def _logs_again(
        self, roots: Sequence[Root], held: Sequence[Holding], list_logs: ListLogs
    ) -> IngestReport:
        there = [root for root in roots if is_there(root.path)]
        listing, reader = list_logs([root.path for root in there])
        self._note_time(there)
        return self._ingest(_checked(listing, roots, held, are_logs=True), reader, are_logs=True)

    def _ingest_documents(self, listing: Listing) -> IngestReport:
        with self.catalog.reading() as known:
            kinds = {root.path: root.kind for root in known.roots() if root.kind != "log"}
        with FileReader(kinds) as reader:
            return self._ingest(listing, reader, are_logs=False)

    def _ingest(self, listing: Listing, reader: SourceReader, *, are_logs: bool) -> IngestReport:
        reader = _AnewReader(reader) if self.is_anew else reader
        return ingest(
            listing,
            reader,
            self.catalog,
            self.store,
            self.embedder,
            self.progress,
            are_logs=are_logs,
        )

    def _remember(self, paths: Iterable[Path], kind: Kind | None) -> None:
        now = datetime.now(UTC)
        with self.catalog.writing() as change:
            change.put_roots(Root(path, kind, now) for path in paths)

    def _note_time(self, roots: Iterable[Root]) -> None:
        now = datetime.now(UTC)
        with self.catalog.writing() as change:
            change.put_roots(replace(root, ingested_at_utc=now) for root in roots)


def forget(path: Path, catalog: Catalog, store: VectorStore) -> int:
    """Drop all that is held of `path` and of what is below it, roots too: how many documents.

    The caller holds the ingest lock. What lies below a root that stays comes back when that is
    ingested again. Raises SourceNotFound when nothing is held of it.
    """
    folder = {Path(os.path.abspath(path))}  # noqa: PTH100 - links in it keep the names they have
    with catalog.reading() as known:
        roots = known.roots()
        gone = [root.path for root in roots if is_below(root.path, folder)]
        held = [one for one in known.holdings() if is_below(one.path, folder)]
    if not gone and not held:
        raise SourceNotFound(f"nothing is held of {path}", _held_instead(roots))
    with catalog.writing() as change:
        change.forget_roots(gone)
        change.remove(one.path for one in held)
    drop_unused(catalog, store)
    return sum(one.num_documents for one in held)


def sources_of(known: Reader) -> list[Source]:
    """The roots, sorted by path, documents before logs."""
    roots = {(root.path, root.kind == "log"): root for root in known.roots()}
    held: dict[Root, list[Holding]] = {root: [] for root in roots.values()}
    for one in known.holdings():
        above = (roots.get((folder, one.is_log)) for folder in (one.path, *one.path.parents))
        nearest = next((root for root in above if root is not None), None)
        if nearest is not None:
            held[nearest].append(one)
    return [_source(root, some) for root, some in held.items()]


def _source(root: Root, held: Sequence[Holding]) -> Source:
    return Source(
        path=root.path,
        kind=root.kind,
        is_there=is_there(root.path),
        num_documents=sum(one.num_documents for one in held),
        num_chunks=sum(one.num_chunks for one in held),
        ingested_at_utc=root.ingested_at_utc,
    )


def is_there(path: Path) -> bool:
    """Whether the file or folder can be reached."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where nobody may look


@dataclass(frozen=True, slots=True)
class _AnewReader:
    """A reader that takes no file for known."""

    reader: SourceReader

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        return self.reader.read(file, "")


def _checked(
    listing: Listing, roots: Iterable[Root], held: Iterable[Holding], *, are_logs: bool
) -> Listing:
    """The listing of `roots`, with those that are gone or were emptied among the failed."""
    found = [file.path for file in listing.files] + [one.path for one in listing.failed]
    seen = {folder for path in found for folder in (path, *path.parents)}
    counts = {root.path: 0 for root in roots if root.path not in seen}
    for one in held:
        if one.is_log == are_logs:
            for folder in counts.keys() & {one.path, *one.path.parents}:
                counts[folder] += one.num_documents
    lost = [_lost(path, n) for path, n in counts.items() if n or not is_there(path)]
    return replace(listing, failed=(*listing.failed, *lost))


def _lost(root: Path, num_documents: int) -> FailedFile:
    what = "is empty now" if is_there(root) else "is not there any more"
    return FailedFile(
        root,
        f"{what}; what is held of it ({num_documents} documents) stays"
        f" until: midwatch knowledge forget {root}",
    )


def _held_instead(roots: Sequence[Root]) -> str:
    names = ", ".join(str(root.path) for root in roots[:_NAMED_ROOTS])
    return f"what was ingested: {names}" if names else "nothing was ingested yet"


def total(reports: Sequence[IngestReport]) -> IngestReport:
    """What became of the files of all of `reports` together."""
    return IngestReport(
        added=sum(one.added for one in reports),
        updated=sum(one.updated for one in reports),
        moved=sum(one.moved for one in reports),
        unchanged=sum(one.unchanged for one in reports),
        removed=sum(one.removed for one in reports),
        failed=tuple(failed for one in reports for failed in one.failed),
        chunks=sum(one.chunks for one in reports),
        duration_s=sum(one.duration_s for one in reports),
        embedding_s=sum(one.embedding_s for one in reports),
    )
