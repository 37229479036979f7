"""`KnowledgeBase`: the package's public face.

It opens its parts when they are first needed: a command that never searches pays for nothing, and a
search in an empty knowledge base for one look at a small file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from knowledge.embedding import OnnxEmbedder, open_embedder
from knowledge.errors import StoreUnavailable
from knowledge.files import list_files
from knowledge.ingest import IngestProgress, IngestReport, ingest, ingest_lock
from knowledge.manifest import Entry, Manifest
from knowledge.store import ChunkStore, Match

# Cosine similarity. On on-call questions over Kubernetes runbooks, nearly every question that the
# runbooks answer finds a passage above it; below it stand questions about something else.
DEFAULT_MIN_SCORE = 0.34

_PASSAGES_PER_DOCUMENT = 2
# How many chunks are looked at for each passage wanted: enough to have k left when a document has
# many near ones, or the same text stands in several.
_CHUNKS_PER_PASSAGE = 10


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, verbatim, that may answer a question.

    `path` is for showing: it begins with the name of the folder that was ingested, and is the name
    of a file that was ingested by itself. `source_path` is where the file is, `line` (1-based)
    where in it the text begins. `score` is a cosine similarity.
    """

    path: str
    heading: str
    score: float
    text: str
    line: int
    source_path: Path


class KnowledgeBase:
    """The documents of one data folder. Safe to share between threads; one process should own it.

    Every call may raise StoreUnavailable, and those that embed EmbeddingUnavailable.
    """

    def __init__(self, data_dir: Path, cache_dir: Path) -> None:
        self._folder = data_dir / "knowledge"
        self._cache_dir = cache_dir
        self._manifest = Manifest(self._folder / "documents.sqlite3")
        self._opening = threading.Lock()
        self._store: ChunkStore | None = None
        self._embedder: OnnxEmbedder | None = None

    def is_empty(self) -> bool:
        """Whether there is nothing to search in; cheap."""
        return self.num_documents == 0

    @property
    def num_documents(self) -> int:
        """How many documents can be found; cheap."""
        return self._manifest.totals()[0]

    @property
    def num_chunks(self) -> int:
        """How many chunks they are divided into; cheap."""
        return self._manifest.totals()[1]

    def search(self, query: str, k: int = 5, min_score: float = DEFAULT_MIN_SCORE) -> list[Passage]:
        """Up to `k` (1 or more) passages for `query`, best first; none below `min_score`.

        At most two of one document, and no text twice.
        """
        if not query.strip() or self.is_empty():
            return []
        vector = self._open_embedder().embed([query])
        matches = self._open_store().nearest(vector, k * _CHUNKS_PER_PASSAGE)
        if not matches:
            raise StoreUnavailable(
                f"the index in {self._folder} is empty, its list of documents is not",
                f"delete {self._folder} and ingest again",
            )
        near = [match for match in matches if match.score >= min_score]
        current = self._manifest.current_among({match.version for match in near})
        return _best(near, current, k)

    def ingest(
        self,
        paths: Iterable[Path],
        progress: Callable[[IngestProgress], None] = lambda _: None,
    ) -> IngestReport:
        """Take in documents under `paths`, and drop those there whose files are gone.

        `progress` is called on this thread after each file and each batch. Raises SourceNotFound,
        IngestBusy.
        """
        listing = list_files(paths)
        self._make_folder()
        with ingest_lock(self._folder / "ingest.lock"):
            return ingest(
                listing, self._manifest, self._open_store(), self._open_embedder(), progress
            )

    def close(self) -> None:
        """Let go of the store's files. The next search opens them again."""
        with self._opening:
            if self._store is not None:
                self._store.close()
            self._store = None

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"{self._folder} cannot be made: {error.strerror}",
                "choose a data folder that is writable",
            ) from error

    def _open_store(self) -> ChunkStore:
        with self._opening:
            if self._store is None:
                self._store = ChunkStore(self._folder / "chroma")
            return self._store

    def _open_embedder(self) -> OnnxEmbedder:
        with self._opening:
            if self._embedder is None:
                self._embedder = open_embedder(self._cache_dir)
            return self._embedder


def open_knowledge_base(data_dir: Path, cache_dir: Path) -> KnowledgeBase:
    """The knowledge base in `data_dir`; the exported embedding model is kept in `cache_dir`."""
    return KnowledgeBase(data_dir, cache_dir)


def _best(matches: Iterable[Match], current: Mapping[int, Entry], k: int) -> list[Passage]:
    passages: list[Passage] = []
    for match in matches:
        entry = current.get(match.version)
        if entry is not None and _adds_something(match, entry, passages):
            passages.append(_passage(match, entry))
    return passages[:k]


def _adds_something(match: Match, entry: Entry, passages: list[Passage]) -> bool:
    if any(passage.text == match.chunk.text for passage in passages):
        return False
    same_document = [p for p in passages if p.source_path == entry.file.path]
    return len(same_document) < _PASSAGES_PER_DOCUMENT


def _passage(match: Match, entry: Entry) -> Passage:
    return Passage(
        path=entry.file.display,
        heading=match.chunk.heading,
        score=match.score,
        text=match.chunk.text,
        line=match.chunk.line,
        source_path=entry.file.path,
    )
