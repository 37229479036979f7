"""The vectors and the shared records, in Chroma: the only module that knows Chroma.

A vector store answers which texts are near a vector, and knows nothing of documents: a vector
stands under the hash of its text, and `knowledge.catalog` says whose text that is. It lives in a
folder of its own, or on a Chroma server, where its texts' other vectors and small records stand
beside it, so that several machines can share them (`knowledge.shared.knowledge`).
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.embedding import TOKEN_DIMENSION, Embedding, sentences_of
from knowledge.errors import OutdatedCatalog, StoreUnavailable
from knowledge.shared.packing import packed, unpacked

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import Include

    from knowledge.embedding import TokenVectors, Vectors

Fields = Mapping[str, str]

_FOLDER_BATCH = 2_000  # Chroma takes 5,461 at once
_SERVER_BATCH = 200  # with their tokens' vectors about 4 MB; a server refuses 40
_MAX_REQUEST_CHARS = 8_000_000
_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 30.0
_NOTHING_BUT_IDS: Include = []

_PREFIX = "midwatch-"
_VECTORS = f"{_PREFIX}vectors"
_STATE = f"{_PREFIX}state"
_FORMAT = 1  # raised when what stands on a server changes


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a store is, and what may be done when it cannot be used."""

    name: str
    hint: str

    @contextlib.contextmanager
    def mapped_errors(self) -> Iterator[None]:
        try:
            yield
        # Chroma's client raises its own errors, the network's, ValueError when it cannot connect,
        # and bare Exception for an answer that it does not know.
        except Exception as error:
            raise StoreUnavailable(
                f"the vector index in {self.name} cannot be used: {error}", self.hint
            ) from error


class VectorStore:
    """The vectors kept in one place; safe to share between threads.

    Every call may raise StoreUnavailable. In a folder, `nearest` sees the writes of its own process
    only, so one process should own the folder.
    """

    def __init__(
        self, place: _Place, collection: Callable[[], Collection], close: Callable[[], None]
    ) -> None:
        self._place = place
        self._collection = collection
        self.close = close

    def add(self, embedded: Mapping[str, Embedding]) -> None:
        """Keep what texts were embedded to, by the hash of the text, known or not."""
        for names in _slices(list(embedded), _FOLDER_BATCH):
            sentences = sentences_of([embedded[name] for name in names])
            with self._place.mapped_errors():
                self._collection().upsert(ids=names, embeddings=sentences)

    def remove(self, hashes: Sequence[str]) -> None:
        """Drop the vectors of `hashes`, known or not."""
        for names in _slices(hashes, _FOLDER_BATCH):
            with self._place.mapped_errors():
                self._collection().delete(ids=names)

    def hashes(self) -> set[str]:
        """All that is kept."""
        with self._place.mapped_errors():
            return set(self._collection().get(include=_NOTHING_BUT_IDS)["ids"])

    def count(self) -> int:
        """The number of vectors."""
        with self._place.mapped_errors():
            return self._collection().count()

    def nearest(self, vector: Vectors, limit: int) -> dict[str, float]:
        """Up to `limit` hashes, nearest first, with the cosines to a vector of shape (384,)."""
        with self._place.mapped_errors():
            found = self._collection().query(
                query_embeddings=vector.reshape(1, -1), n_results=limit, include=["distances"]
            )
        (hashes,), distances = found["ids"], found["distances"]
        assert distances is not None, "they were asked for"
        return {name: 1.0 - far for name, far in zip(hashes, distances[0], strict=True)}


class SharedVectorStore(VectorStore):
    """Vectors on a server, with those of the tokens, so that they can be fetched from there."""

    def add(self, embedded: Mapping[str, Embedding]) -> None:
        """Keep what texts were embedded to, by the hash of the text, known or not."""
        for names in _slices(list(embedded), _SERVER_BATCH):
            some = [embedded[name] for name in names]
            with self._place.mapped_errors():
                self._collection().upsert(
                    ids=names,
                    embeddings=sentences_of(some),
                    metadatas=[{"tokens": packed(one.tokens.tobytes())} for one in some],
                )

    def embeddings(self, hashes: Sequence[str]) -> dict[str, Embedding]:
        """What is kept of `hashes`: sentences up to rounding, tokens without their places."""
        found: dict[str, Embedding] = {}
        for names in _slices(hashes, _SERVER_BATCH):
            with self._place.mapped_errors():
                got = self._collection().get(ids=names, include=["embeddings", "metadatas"])
                found.update(_embeddings(got))
        return found


class Records:
    """Small records of text fields by id, on a server. Every call may raise StoreUnavailable."""

    def __init__(self, place: _Place, collection: Callable[[], Collection]) -> None:
        self._place = place
        self._collection = collection

    def all(self) -> dict[str, Fields]:
        """All records."""
        with self._place.mapped_errors():
            return _records(self._collection().get(include=["metadatas"]))

    def some(self, ids: Sequence[str]) -> dict[str, Fields]:
        """Those of the records `ids` that exist."""
        found: dict[str, Fields] = {}
        for names in _slices(ids, _SERVER_BATCH):
            with self._place.mapped_errors():
                found.update(_records(self._collection().get(ids=names, include=["metadatas"])))
        return found

    def ids(self) -> set[str]:
        """The ids of all records."""
        with self._place.mapped_errors():
            return set(self._collection().get(include=_NOTHING_BUT_IDS)["ids"])

    def put(self, records: Mapping[str, Fields]) -> None:
        """Keep records in place of those of the same ids; each is there whole or not at all."""
        # Not as Chroma's documents, which it indexes for full-text search: ten times slower.
        for names in _requests(records):
            with self._place.mapped_errors():
                self._collection().upsert(
                    ids=names,
                    embeddings=_no_vectors(len(names)),
                    metadatas=[records[name] for name in names],
                )

    def add(self, name: str, fields: Fields) -> None:
        """Keep a record unless there is one of the same id: of several at once, one comes first."""
        with self._place.mapped_errors():
            self._collection().add(ids=[name], embeddings=_no_vectors(1), metadatas=[fields])

    def remove(self, ids: Sequence[str]) -> None:
        """Drop the records `ids`, known or not."""
        for names in _slices(ids, _SERVER_BATCH):
            with self._place.mapped_errors():
                self._collection().delete(ids=names)


class Server:
    """A Chroma server that is shared; safe to share between threads.

    What midwatch keeps there has names that begin with `midwatch-`. A server that was emptied or
    replaced meanwhile is noticed by `revision`. Every call may raise StoreUnavailable.
    """

    def __init__(self, url: str, token: str = "") -> None:
        """Connect to `url`; `token` is sent as a bearer token unless empty."""
        self._place = _Place(
            url,
            f"check that the Chroma server at {url} runs and can be reached, and that the token is "
            "right if it wants one; [knowledge] chroma_url says which server is used",
        )
        with self._place.mapped_errors():
            self._client = _connect(url, {"Authorization": f"Bearer {token}"} if token else {})
        self._opening = threading.Lock()
        self._collections: dict[str, Collection] = {}
        self._identity = ""

    def revision(self) -> str:
        """What tells one state of the shared knowledge from any other; "" when there is none.

        Costs one request of about a millisecond. Raises OutdatedCatalog.
        """
        from chromadb.errors import NotFoundError

        with self._place.mapped_errors():
            try:
                state = self._client.get_collection(_STATE, embedding_function=None)
            except NotFoundError:
                self._forget_unless("")
                return ""
        self._forget_unless(str(state.id))
        values = state.metadata or {}
        self._require_format(values.get("format"))
        return f"{state.id} {values.get('revision')}"

    def renew_revision(self) -> str:
        """Let there be a new revision, the first one if need be, and return it."""
        values = {"format": _FORMAT, "revision": uuid.uuid4().hex}
        with self._place.mapped_errors():
            state = self._client.get_or_create_collection(
                _STATE, embedding_function=None, metadata=values
            )
            state.modify(metadata=values)
        self._forget_unless(str(state.id))
        return f"{state.id} {values['revision']}"

    def vectors(self) -> SharedVectorStore:
        """The vectors there; closing them changes nothing, they are the server's."""
        return SharedVectorStore(self._place, lambda: self._open(_VECTORS), lambda: None)

    def records(self, name: str) -> Records:
        """The records called `name`."""
        return Records(self._place, lambda: self._open(f"{_PREFIX}{name}"))

    def now_s(self) -> float:
        """The server's clock, which all who share it have in common."""
        with self._place.mapped_errors():
            return self._client.heartbeat() / 1e9

    def close(self) -> None:
        """Let go of the connections; the server cannot be asked afterwards."""
        self._client.close()  # type: ignore[attr-defined]  # its stub lacks it
        for session in _sessions(self._client):
            session.close()

    def _open(self, name: str) -> Collection:
        with self._opening:
            if name not in self._collections:
                self._collections[name] = _collection(self._client, name)
            return self._collections[name]

    def _forget_unless(self, identity: str) -> None:
        """Open collections anew on what is not the server that they were opened on."""
        with self._opening:
            if not identity or identity != self._identity:
                self._collections.clear()
            self._identity = identity

    def _require_format(self, found: object) -> None:
        if found != _FORMAT:
            raise OutdatedCatalog(
                f"the knowledge base on {self._place.name} was written by another version of "
                f"midwatch (its format is {found}, this one's {_FORMAT})",
                "use the same version on all machines that share it",
            )


def open_folder(folder: Path) -> VectorStore:
    """The vectors in `folder`, which is made when it is missing. Raises StoreUnavailable."""
    place = _Place(
        str(folder),
        "check that the folder is writable and the disk has room; if it is damaged, "
        f"delete {folder}: the next ingest makes it again",
    )
    with place.mapped_errors():
        import chromadb

        client = chromadb.PersistentClient(str(folder), settings=_settings())
        vectors = _collection(client, "vectors")
    return VectorStore(place, lambda: vectors, client.close)  # type: ignore[attr-defined]


def _connect(url: str, headers: dict[str, str]) -> ClientAPI:
    import chromadb
    import httpx

    timeout = httpx.Timeout(_ANSWER_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    # The client itself would wait without limit for a server that takes calls and never answers,
    # both while it is made and later on.
    heartbeat = f"{url.rstrip('/')}/api/v2/heartbeat"
    httpx.get(heartbeat, headers=headers, timeout=timeout).raise_for_status()
    client = chromadb.HttpClient(url.rstrip("/"), headers=headers, settings=_settings())
    for session in _sessions(client):
        session.timeout = timeout
    return client


def _sessions(client: ClientAPI) -> list[httpx.Client]:
    """The client's connections: it offers no way to set a limit for them, and never ends them."""
    inner: Any = client
    return [inner._server._session, inner._admin_client._server._session]


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _collection(client: ClientAPI, name: str) -> Collection:
    return client.get_or_create_collection(
        name,
        # The default would download a model.
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine"}},
    )


def _embeddings(got: Any) -> Iterable[tuple[str, Embedding]]:
    import numpy as np

    for name, sentence, fields in zip(got["ids"], got["embeddings"], got["metadatas"], strict=True):
        tokens: TokenVectors = np.frombuffer(unpacked(fields["tokens"]), dtype=np.int8)
        rows = tokens.reshape(-1, TOKEN_DIMENSION)
        yield name, Embedding(np.asarray(sentence, dtype=np.float32), rows, ())


def _no_vectors(count: int) -> Vectors:
    """Of records, for which Chroma wants some."""
    import numpy as np

    return np.ones((count, 1), dtype=np.float32)


def _records(got: Any) -> dict[str, Fields]:
    return dict(zip(got["ids"], got["metadatas"], strict=True))


def _slices(names: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield list(names[start : start + size])


def _requests(records: Mapping[str, Fields]) -> Iterator[list[str]]:
    """The names of records that fit into one request together."""
    names: list[str] = []
    size = 0
    for name, fields in records.items():
        chars = sum(map(len, fields.values()))
        if names and (size + chars > _MAX_REQUEST_CHARS or len(names) == _FOLDER_BATCH):
            yield names
            names, size = [], 0
        names.append(name)
        size += chars
    if names:
        yield names
