"""`KnowledgeBase`: the package's public face.

It opens its parts when they are first needed: a command that never searches pays for nothing, and a
search in an empty knowledge base for one look at a small file.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from types import TracebackType

from knowledge.catalog import Catalog, Filter, Part
from knowledge.chunks import Chunk
from knowledge.documents import Kind
from knowledge.embedding import OnnxEmbedder, open_embedder
from knowledge.errors import SourceNotFound, StoreUnavailable
from knowledge.files import Listing
from knowledge.ingest import IngestProgress, IngestReport, ingest_lock
from knowledge.loaders import SourceReader
from knowledge.renewal import is_outdated, renew
from knowledge.roots import Intake, ListLogs, Source, forget, sources_of
from knowledge.search.query import MAX_QUERY_CHARS, read_query
from knowledge.search.search import Found, find
from knowledge.shared.knowledge import SharedKnowledge, mirror_folder
from knowledge.store import VectorStore, open_folder
from knowledge.usage import Usage

# How sure the best passage must be: `benchmarks/retrieval.py` says how many questions that refuses
# of those that the documents answer, and of those that they do not.
DEFAULT_MIN_SCORE = 0.40

EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, verbatim, that may answer a question.

    `path` is for showing: it begins with the name of the folder that was ingested, and is the name
    of a file that was ingested by itself. `source_path` is where the file is, `name` which of its
    documents this is ('' when it has but one), `line` (1-based) where in it the text begins.
    `score` is how likely the document answers the question, 0 to 1. `also_in` are the paths of
    documents that say the same. `part` is for `KnowledgeBase.document`.
    """

    path: str
    heading: str
    score: float
    text: str
    line: int
    source_path: Path
    name: str
    kind: Kind
    services: tuple[str, ...]
    dated_utc: datetime
    also_in: tuple[str, ...]
    part: int


class KnowledgeBase:
    """The documents of one data folder, or of a server. Safe to share between threads.

    One process should own the folder. A server may be shared by any number of them.
    Every call may raise StoreUnavailable, and those that embed EmbeddingUnavailable.
    """

    def __init__(
        self, folder: Path, cache_dir: Path, shared: SharedKnowledge | None = None
    ) -> None:
        """`shared`: what `folder` holds a copy of; None: all is kept there and nowhere else."""
        self._folder = folder
        self._cache_dir = cache_dir
        self._shared = shared
        self._catalog = (
            shared.catalog
            if shared
            else Catalog(folder / "catalog.sqlite3", predecessor=folder / "documents.sqlite3")
        )
        self._opening = threading.Lock()
        self._usage = Usage()
        self._store: VectorStore | None = None
        self._has_index = False
        self._embedder: OnnxEmbedder | None = None

    def is_empty(self) -> bool:
        """Whether there is nothing to search in; cheap."""
        with self._catalog.looking() as known:
            return known is None or not known.has_documents()

    def held(self) -> dict[Path, str]:
        """The digest of each file that was ingested, by its path; cheap."""
        with self._catalog.looking() as known:
            files = {} if known is None else known.files()
            return {path: entry.digest for path, entry in files.items()}

    @property
    def num_documents(self) -> int:
        """How many documents can be found; cheap."""
        return self._totals()[0]

    @property
    def num_chunks(self) -> int:
        """How many chunks they are divided into; cheap."""
        return self._totals()[1]

    def search(
        self,
        query: str,
        k: int = 5,
        min_score: float = DEFAULT_MIN_SCORE,
        only: Filter = EVERYTHING,
    ) -> list[Passage]:
        """The best passages of up to `k` (1 or more) documents for `query`, best first.

        None that scores less than `min_score`; none at all when nothing answers the question.
        """
        if not query.strip():
            return []
        with self._usage.using(), self._catalog.looking() as known:
            if known is None or not known.has_documents():
                return []
            read = read_query(query, self._open_embedder())
            store = self._open_store()
            self._require_index(store)
            found = _passages(find(read, known, store, only, k, min_score))
            return [passage for passage in found if passage.score >= min_score]

    def _require_index(self, store: VectorStore) -> None:
        """Notice an index that was deleted, while the catalog has documents.

        Asked once of each opened store, since counting costs.
        """
        if not self._has_index and not store.count():
            raise StoreUnavailable(
                f"the vector index in {self._folder} is empty, the catalog is not",
                "make the index again: midwatch ingest",
            )
        self._has_index = True

    def document(self, passage: Passage) -> list[Chunk]:
        """All of the passage's document, in reading order; [] when it is gone meanwhile."""
        with self._catalog.reading() as known:
            return known.document(passage.part)

    @property
    def has_incidents(self) -> bool:
        """Whether any incident is held; cheap."""
        with self._catalog.looking() as known:
            return known is not None and known.has_incidents()

    def incident_sources(self) -> dict[Path, str]:
        """The whole text of each file about incidents, by its path."""
        with self._catalog.looking() as known:
            return {} if known is None else known.incident_sources()

    def nearness(self, text: str, kind: Kind) -> dict[Path, float]:
        """The cosine of `text` and the nearest passage of each file of `kind`."""
        [embedding] = self._open_embedder().embed([text[:MAX_QUERY_CHARS]])
        nearest: dict[Path, float] = {}
        with self._catalog.reading() as known:
            for path, sentence in known.sentences_of(kind):
                cosine = float(sentence @ embedding.sentence)
                nearest[path] = max(nearest.get(path, -1.0), cosine)
        return nearest

    def ingest(
        self,
        paths: Iterable[Path],
        progress: Callable[[IngestProgress], None] = lambda _: None,
        kind: Kind | None = None,
    ) -> IngestReport:
        """Take in documents under `paths`, and drop those there whose files are gone.

        `kind` is what they all are, now and when they are taken in again; None: each what it looks
        like. `progress` is called on this thread after each file and each batch. Raises
        SourceNotFound, IngestBusy.
        """
        with self._taking_in(progress) as intake:
            return intake.documents(paths, kind)

    def ingest_from(
        self,
        listing: Listing,
        reader: SourceReader,
        progress: Callable[[IngestProgress], None] = lambda _: None,
    ) -> IngestReport:
        """Take in the logs in `listing` as `reader` reads them; otherwise as `ingest`."""
        with self._taking_in(progress) as intake:
            return intake.logs(listing, reader)

    def refresh(
        self,
        progress: Callable[[IngestProgress], None] = lambda _: None,
        list_logs: ListLogs | None = None,
    ) -> IngestReport:
        """Take in again all that ever was, each under its kind; logs only with `list_logs`.

        What is held of a folder that is gone, or empty, stays, and the folder is among the failed.
        Raises IngestBusy, and SourceNotFound when nothing was taken in yet.
        """
        with self._taking_in(progress) as intake:
            return intake.again(list_logs)

    def rebuild(
        self,
        progress: Callable[[IngestProgress], None] = lambda _: None,
        list_logs: ListLogs | None = None,
    ) -> IngestReport:
        """Read everything anew, also what another version of midwatch took in; else as `refresh`.

        What that version left is removed when this has succeeded; until then nothing changes.
        """
        if self._shared or not is_outdated(self._folder):
            with self._taking_in(progress) as intake:
                return replace(intake, is_anew=True).again(list_logs)
        self.close()
        with self._locked():
            return renew(self._folder, self._open_embedder(), progress, list_logs)

    def forget(self, path: Path) -> int:
        """Drop all that is held of `path`, be it there or not: how many documents.

        What lies below a folder that was ingested comes back when that is refreshed. Raises
        SourceNotFound when nothing is held of it, and IngestBusy.
        """
        if not self._catalog.exists():
            raise SourceNotFound(f"nothing is held of {path}", "nothing was ingested yet")
        with self._locked():
            return forget(path, self._catalog, self._open_store())

    def sources(self) -> list[Source]:
        """What was ingested, sorted by path, and how much is held of it."""
        with self._catalog.looking() as known:
            return [] if known is None else sources_of(known)

    def close(self) -> None:
        """Let go of the store, when nobody uses it any more; the next search opens it again."""
        with self._usage.closing(), self._opening:
            if self._store is not None:
                self._store.close()
            self._store, self._has_index = None, False
            if self._shared is not None:
                self._shared.close()

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _totals(self) -> tuple[int, int]:
        with self._catalog.looking() as known:
            return (0, 0) if known is None else known.totals()

    @contextlib.contextmanager
    def _taking_in(self, progress: Callable[[IngestProgress], None]) -> Iterator[Intake]:
        with self._locked():
            yield Intake(self._catalog, self._open_store(), self._open_embedder(), progress)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._make_folder()
        with contextlib.ExitStack() as held:
            held.enter_context(self._usage.using())
            held.enter_context(ingest_lock(self._folder / "ingest.lock"))
            if self._shared is not None:
                held.enter_context(self._shared.ingesting())
            yield

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"{self._folder} cannot be made: {error.strerror}",
                "choose a data folder that is writable",
            ) from error

    def _open_store(self) -> VectorStore:
        with self._opening:
            if self._store is None:
                self._store = self._new_store()
            return self._store

    def _new_store(self) -> VectorStore:
        if self._shared is not None:
            return self._shared.open_vectors()
        return open_folder(self._folder / "chroma")

    def _open_embedder(self) -> OnnxEmbedder:
        with self._opening:
            if self._embedder is None:
                self._embedder = open_embedder(self._cache_dir)
            return self._embedder


def open_knowledge_base(
    data_dir: Path, cache_dir: Path, chroma_url: str = "", chroma_token: str = ""
) -> KnowledgeBase:
    """The knowledge base in `data_dir`, or on the Chroma server at `chroma_url` unless empty.

    The exported embedding model is kept in `cache_dir`.
    """
    if not chroma_url:
        return KnowledgeBase(data_dir / "knowledge", cache_dir)
    folder = mirror_folder(data_dir, chroma_url)
    return KnowledgeBase(folder, cache_dir, SharedKnowledge(folder, chroma_url, chroma_token))


def _passages(found: Sequence[Found]) -> list[Passage]:
    """What is found as it is shown: what comes first is no less likely than what comes later."""
    scores = list(accumulate((one.confidence for one in reversed(found)), max))
    return [_passage(one, score) for one, score in zip(found, reversed(scores), strict=True)]


def _passage(found: Found, score: float) -> Passage:
    part, chunk = found.part, found.chunk.chunk
    return Passage(
        path=shown_path(part),
        heading=chunk.heading,
        score=score,
        text=chunk.text,
        line=chunk.line,
        source_path=part.path,
        name=part.name,
        kind=part.kind,
        services=part.services,
        dated_utc=part.dated_utc,
        also_in=tuple(shown_path(other) for other in found.same),
        part=part.id,
    )


def shown_path(part: Part) -> str:
    """The displayed path, with the document's name behind `#` in a file that has several."""
    return f"{part.display}#{part.name}" if part.name else part.display
