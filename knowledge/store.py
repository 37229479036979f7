"""Chunks and their vectors in an embedded Chroma: the only module that knows Chroma.

The store answers which chunks are near a vector, and knows nothing of files that come and go: every
chunk belongs to a `version` of a document, and `knowledge.manifest` says which versions count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from knowledge.chunks import Chunk
from knowledge.errors import StoreUnavailable

if TYPE_CHECKING:
    from chromadb.api.types import Where

    from knowledge.embedding import Vectors

_COLLECTION = "chunks"


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk near the vector that was asked for; `score` is the cosine of the two vectors."""

    version: int
    score: float
    chunk: Chunk


class ChunkStore:
    """The chunks kept in one folder; safe to share between the threads of one process.

    `nearest` sees the writes of its own process only, so one process should own the folder. Every
    call may raise StoreUnavailable.
    """

    def __init__(self, folder: Path) -> None:
        """Open the store in `folder`, which is made when it is missing."""
        self._folder = folder
        with self._mapped_errors():
            import chromadb
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            self._client = chromadb.PersistentClient(str(folder), settings=settings)
            self._chunks = self._client.get_or_create_collection(
                _COLLECTION,
                # The default would download a model.
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
            )

    def add(self, rows: Sequence[tuple[int, Path, Chunk]], vectors: Vectors) -> None:
        """Keep chunks with the version and the path of their documents; vector i is row i's.

        At most a few thousand at once.
        """
        with self._mapped_errors():
            self._chunks.upsert(
                ids=[f"{version}:{chunk.ordinal}" for version, _, chunk in rows],
                embeddings=vectors,
                documents=[chunk.text for _, _, chunk in rows],
                metadatas=[_metadata(*row) for row in rows],
            )

    def remove(self, versions: Sequence[int]) -> None:
        """Drop all chunks of `versions`, known or not."""
        if not versions:  # Chroma refuses an empty list
            return
        any_of = cast("Where", {"version": {"$in": list(versions)}})
        with self._mapped_errors():
            self._chunks.delete(where=any_of)

    def count(self) -> int:
        """The number of chunks, of whatever version."""
        with self._mapped_errors():
            return self._chunks.count()

    def nearest(self, vector: Vectors, limit: int) -> list[Match]:
        """Up to `limit` chunks, nearest first, for a vector of shape (1, 384)."""
        with self._mapped_errors():
            found = self._chunks.query(
                query_embeddings=vector,
                n_results=limit,
                include=["metadatas", "documents", "distances"],
            )
        columns = (found["metadatas"], found["documents"], found["distances"])
        rows = zip(*(column[0] for column in columns if column is not None), strict=True)
        return [_match(*row) for row in rows]

    def close(self) -> None:
        """Let go of the folder; the store cannot be used afterwards."""
        self._client.close()  # type: ignore[attr-defined]  # its stub lacks it

    @contextlib.contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, OSError) as error:
            raise StoreUnavailable(
                f"the index in {self._folder} cannot be used: {error}",
                "check that the folder is writable and the disk has room; if it is damaged, "
                f"delete {self._folder.parent} and ingest again",
            ) from error


def _metadata(version: int, path: Path, chunk: Chunk) -> dict[str, str | int]:
    return {
        "version": version,
        "path": str(path),
        "ordinal": chunk.ordinal,
        "heading": chunk.heading,
        "line": chunk.line,
    }


def _match(metadata: Mapping[str, Any], text: str, distance: float) -> Match:
    chunk = Chunk(metadata["ordinal"], metadata["heading"], metadata["line"], text)
    return Match(metadata["version"], 1.0 - distance, chunk)
