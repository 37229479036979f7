"""The catalog: which documents the knowledge base holds, and all that is known of them.

One SQLite file holds the documents, their chunks with text and vectors, and the keyword index. It
changes in transactions: a document is there whole or not at all, whatever happens to an ingest. The
vector index (`knowledge.store`) holds copies of the vectors under the hashes of their texts, and
can always be made again from here.

A document is divided into parts, most often one: a part is what a question is compared with as a
whole, and what a search finds. What a text is worth to a question is `knowledge.search`' business.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.chunks import Chunk
from knowledge.documents import Kind
from knowledge.errors import OutdatedCatalog, StoreUnavailable
from knowledge.files import SourceFile

if TYPE_CHECKING:
    from knowledge.embedding import Embedding, TokenVectors, Vectors

FORMAT = 2  # raised when the tables, or what stands in them, change
_BUSY_TIMEOUT_S = 30.0
_BUSY_PAUSE_S = 0.01
_VARIABLES = 500  # how many values one statement is given; SQLite's own limit is higher

_TABLES = (
    # One folder may be both: a root of documents, and one of logs.
    """
    CREATE TABLE roots (
        path TEXT NOT NULL, is_log INTEGER NOT NULL,
        kind TEXT,  -- of all that is below; NULL: each document is what it looks like
        ingested_at_utc TEXT NOT NULL,
        PRIMARY KEY (path, is_log)
    )
    """,
    """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, display TEXT NOT NULL,
        digest TEXT NOT NULL, -- of the content and of how it was divided and embedded
        source TEXT NOT NULL, -- an incident's whole text, which its chunks alone do not give back
        is_log INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE parts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
        name TEXT NOT NULL,     -- of the document in its file; '' when it is the only one
        kind TEXT NOT NULL,
        services TEXT NOT NULL, -- JSON
        dated_utc TEXT NOT NULL,
        form REAL NOT NULL,     -- how much the document is written as a runbook, 0 to 1
        vector BLOB NOT NULL    -- what the part as a whole is about: float32 (384,)
    )
    """,
    "CREATE INDEX parts_by_file ON parts (file)",
    """
    CREATE TABLE chunks (
        part INTEGER NOT NULL REFERENCES parts ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,  -- in the document
        heading TEXT NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL,
        hash TEXT NOT NULL REFERENCES vectors,
        PRIMARY KEY (part, ordinal)
    )
    """,
    "CREATE INDEX chunks_by_hash ON chunks (hash)",
    """
    CREATE TABLE vectors (
        hash TEXT PRIMARY KEY,  -- of the text that was embedded
        sentence BLOB NOT NULL, tokens BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE products (
        part INTEGER NOT NULL REFERENCES parts ON DELETE CASCADE, name TEXT NOT NULL,
        PRIMARY KEY (name, part)
    )
    """,
    "CREATE INDEX products_by_part ON products (part)",
    # The terms of a part, made by `knowledge.search.terms`: all there is to do is to divide them.
    "CREATE VIRTUAL TABLE terms USING fts5 (words, tokenize = 'unicode61')",
    "CREATE VIRTUAL TABLE term_counts USING fts5vocab (terms, 'row')",
)


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that was ingested; `kind` is what all below is, None: what it looks like."""

    path: Path
    kind: Kind | None
    ingested_at_utc: datetime


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as it is held; `is_log`: it was read as a log, not as a document.

    `source` is the whole text of an incident's file, and "" otherwise.
    """

    path: Path
    display: str
    digest: str
    source: str = ""
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """How much is held of a file: its documents, and their chunks."""

    path: Path
    is_log: bool
    num_documents: int
    num_chunks: int


@dataclass(frozen=True, slots=True, eq=False)
class NewPart:
    """A part on its way into the catalog; `hashes` name the vectors of its chunks."""

    name: str
    kind: Kind
    services: tuple[str, ...]
    dated_utc: datetime
    form: float
    vector: Vectors
    chunks: tuple[Chunk, ...]
    hashes: tuple[str, ...]
    terms: Sequence[str]
    products: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is held."""

    id: int
    path: Path
    display: str
    name: str
    kind: Kind
    services: tuple[str, ...]
    dated_utc: datetime


@dataclass(frozen=True, slots=True, eq=False)
class StoredChunk:
    """A chunk of a part, with its vectors: float32 (384,), and of its tokens int8 (n, 96)."""

    part: int
    chunk: Chunk
    sentence: Vectors
    tokens: TokenVectors


@dataclass(frozen=True, slots=True)
class Filter:
    """Which parts may be found; every condition that is given must hold.

    `paths`: the displayed path is one of these or lies below it, `*` and `?` in them standing for
    any characters and for any one.
    """

    paths: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    services: tuple[str, ...] = ()
    since_utc: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return not (self.paths or self.kinds or self.services or self.since_utc)


class Catalog:
    """The catalog in one SQLite file, which the first write makes; share it between threads freely.

    `predecessor` is the file in which an older version of midwatch kept its list: where there is
    that and no catalog, the catalog is to be made from it. Only the holder of the ingest lock
    writes. Every call may raise StoreUnavailable, and OutdatedCatalog.
    """

    def __init__(self, path: Path, predecessor: Path | None = None) -> None:
        self.path = path
        self._predecessor = predecessor

    def exists(self) -> bool:
        """Whether anything was ever written."""
        try:
            if self.path.exists():
                return True
            if self._predecessor is None or not self._predecessor.exists():
                return False
        except OSError as error:
            raise StoreUnavailable(
                f"{self.path.parent} cannot be looked into: {error.strerror}",
                "choose a data folder that can be read",
            ) from error
        raise self._outdated("an older version")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """A view of the catalog as it is now, whatever is written meanwhile."""
        self.exists()
        with self._transaction("BEGIN") as database:
            yield Reader(database)

    @contextlib.contextmanager
    def looking(self) -> Iterator[Reader | None]:
        """As `reading`, and None where nothing was ever written."""
        if not self.exists():
            yield None
            return
        with self._transaction("BEGIN") as database:
            yield Reader(database)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """All changes made through the writer, or none when the block ends in an error."""
        self.exists()
        with self._transaction("BEGIN IMMEDIATE") as database:
            yield Writer(database)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(self._connect()) as database:
                self._require_format(database)
                database.execute(begin)
                yield database
                database.execute("COMMIT")  # closing without it rolls back
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"the catalog {self.path} cannot be used: {error}",
                "check that the folder is writable and the disk has room; if it is damaged, "
                f"delete {self.path} and ingest again",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False
        )
        database.execute("PRAGMA foreign_keys = ON")
        # With a write-ahead log a power cut costs the last moment, never the consistency.
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _require_format(self, database: sqlite3.Connection) -> None:
        found = _format_of(database)
        if found == 0:
            _make_tables(database)
        elif found != FORMAT:
            raise self._outdated(f"another version (its format is {found}, this one's {FORMAT})")

    def _outdated(self, version: str) -> OutdatedCatalog:
        return OutdatedCatalog(
            f"the knowledge base in {self.path.parent} was written by midwatch in {version}",
            "make it anew from the same files: midwatch ingest --rebuild",
        )


class Reader:
    """Questions to the catalog; valid inside its `with` block."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def totals(self) -> tuple[int, int]:
        """The number of documents, and of their chunks."""
        query = (
            "SELECT (SELECT count(*) FROM (SELECT DISTINCT file, name FROM parts)),"
            " (SELECT count(*) FROM chunks)"
        )
        (row,) = self._database.execute(query)
        return row[0], row[1]

    def has_documents(self) -> bool:
        """Whether there is any document; much cheaper than to count them."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM parts)"))

    def num_parts(self) -> int:
        """The number of parts."""
        return int(self._one("SELECT count(*) FROM parts"))

    def roots(self) -> list[Root]:
        """What was ingested, files and folders, sorted by path, documents before logs."""
        query = "SELECT path, kind, ingested_at_utc FROM roots ORDER BY path, is_log"
        return [
            Root(Path(path), kind, datetime.fromisoformat(ingested_at))
            for path, kind, ingested_at in self._database.execute(query)
        ]

    def files(self) -> dict[Path, FileEntry]:
        """All files, by path."""
        rows = self._database.execute("SELECT path, display, digest, is_log FROM files")
        return {
            Path(path): FileEntry(Path(path), display, digest, is_log=bool(is_log))
            for path, display, digest, is_log in rows
        }

    def holdings(self) -> list[Holding]:
        """How much is held of each file, sorted by path."""
        query = (
            "SELECT path, is_log, count(DISTINCT name), count(*) FROM files"
            " JOIN parts ON parts.file = files.id JOIN chunks ON chunks.part = parts.id"
            " GROUP BY files.id ORDER BY path"
        )
        return [
            Holding(Path(path), bool(is_log), documents, chunks)
            for path, is_log, documents, chunks in self._database.execute(query)
        ]

    def has_incidents(self) -> bool:
        """Whether there is the text of any incident's file."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM files WHERE source <> '')"))

    def incident_sources(self) -> dict[Path, str]:
        """The whole text of each incident's file, by path."""
        rows = self._database.execute("SELECT path, source FROM files WHERE source <> ''")
        return {Path(path): source for path, source in rows}

    def sentences_of(self, kind: Kind) -> Iterator[tuple[Path, Vectors]]:
        """The sentence vector of each chunk of the documents of `kind`, with the file's path."""
        query = (
            "SELECT path, sentence FROM parts JOIN files ON files.id = parts.file"
            " JOIN chunks ON chunks.part = parts.id JOIN vectors USING (hash) WHERE kind = ?"
        )
        for path, sentence in self._database.execute(query, [kind]):
            yield Path(path), _floats(sentence)

    def known_hashes(self, hashes: Iterable[str]) -> set[str]:
        """Those of `hashes` whose vectors are here."""
        return {row[0] for row in self._among("SELECT hash FROM vectors WHERE hash IN", hashes)}

    def sentences(self, hashes: Iterable[str]) -> dict[str, Vectors]:
        """The sentence vectors of `hashes`, each float32 (384,)."""
        rows = self._among("SELECT hash, sentence FROM vectors WHERE hash IN", hashes)
        return {name: _floats(blob) for name, blob in rows}

    def embeddings(self, hashes: Iterable[str]) -> dict[str, Embedding]:
        """The vectors of `hashes`; where their tokens begin in the text is not kept."""
        from knowledge.embedding import Embedding

        rows = self._among("SELECT hash, sentence, tokens FROM vectors WHERE hash IN", hashes)
        return {
            name: Embedding(_floats(sentence), _token_vectors(tokens), ())
            for name, sentence, tokens in rows
        }

    def all_hashes(self) -> list[str]:
        """The hashes of all vectors, which are those that the vector index should hold."""
        return [row[0] for row in self._database.execute("SELECT hash FROM vectors")]

    def unused(self) -> list[str]:
        """The vectors that belong to no chunk any more."""
        query = (
            "SELECT hash FROM vectors WHERE NOT EXISTS"
            " (SELECT 1 FROM chunks WHERE chunks.hash = vectors.hash)"
        )
        return [row[0] for row in self._database.execute(query)]

    def parts_with(self, hashes: Iterable[str]) -> dict[str, list[int]]:
        """The parts that have a chunk with the vector `hash`, for each of `hashes`."""
        found: dict[str, list[int]] = {}
        for name, part in self._among("SELECT hash, part FROM chunks WHERE hash IN", hashes):
            found.setdefault(name, []).append(part)
        return found

    def matching(self, terms: Sequence[str]) -> dict[int, float]:
        """The BM25 scores of the parts that have any of `terms` (FTS5's: k1 = 1.2, b = 0.75)."""
        if not terms:
            return {}
        query = "SELECT rowid, -bm25(terms) FROM terms WHERE terms MATCH ?"
        wanted = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        return dict(self._database.execute(query, [wanted]))

    def num_parts_with(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many parts each of `terms` stands; terms that stand in none are left out."""
        return dict(self._among("SELECT term, doc FROM term_counts WHERE term IN", terms))

    def allowed(self, only: Filter) -> set[int]:
        """The parts that pass the filter."""
        conditions, values = _conditions(only)
        query = (
            "SELECT parts.id FROM parts JOIN files ON files.id = parts.file"
            f" WHERE {' AND '.join(conditions) or '1'}"
        )
        return {row[0] for row in self._database.execute(query, values)}

    def outlines(self, ids: Iterable[int]) -> dict[int, tuple[Vectors, float]]:
        """The vector and the form of each of the parts `ids`."""
        rows = self._among("SELECT id, vector, form FROM parts WHERE id IN", ids)
        return {number: (_floats(blob), form) for number, blob, form in rows}

    def parts(self, ids: Iterable[int]) -> dict[int, Part]:
        """The parts `ids`, those that exist."""
        query = (
            "SELECT parts.id, path, display, name, kind, services, dated_utc"
            " FROM parts JOIN files ON files.id = parts.file WHERE parts.id IN"
        )
        return {row[0]: _part(row) for row in self._among(query, ids)}

    def chunks(self, parts: Iterable[int]) -> dict[int, list[StoredChunk]]:
        """The chunks of `parts` in reading order, by part."""
        query = (
            "SELECT part, ordinal, heading, line, text, sentence, tokens"
            " FROM chunks JOIN vectors USING (hash) WHERE part IN"
        )
        found: dict[int, list[StoredChunk]] = {}
        for part, *words, sentence, tokens in self._among(query, parts):
            stored = StoredChunk(part, Chunk(*words), _floats(sentence), _token_vectors(tokens))
            found.setdefault(part, []).append(stored)
        for chunks in found.values():
            chunks.sort(key=lambda stored: stored.chunk.ordinal)
        return found

    def document(self, part: int) -> list[Chunk]:
        """All chunks of the document that `part` belongs to, in reading order."""
        query = (
            "SELECT ordinal, heading, line, text FROM chunks JOIN parts ON parts.id = chunks.part"
            " JOIN parts AS one ON one.file = parts.file AND one.name = parts.name"
            " WHERE one.id = ? ORDER BY ordinal"
        )
        return [Chunk(*row) for row in self._database.execute(query, [part])]

    def documents_of(self, kind: Kind) -> list[tuple[Path, str]]:
        """The path and name of each document of `kind`, in the order of their paths."""
        query = (
            "SELECT DISTINCT path, name FROM parts JOIN files ON files.id = parts.file"
            " WHERE kind = ? ORDER BY path, name"
        )
        return [(Path(path), name) for path, name in self._database.execute(query, [kind])]

    def products(self, parts: Iterable[int]) -> dict[int, set[str]]:
        """The products that each of `parts` names."""
        found: dict[int, set[str]] = {}
        for part, name in self._among("SELECT part, name FROM products WHERE part IN", parts):
            found.setdefault(part, set()).add(name)
        return found

    def known_products(self, names: Iterable[str]) -> set[str]:
        """Those of `names` that any part names."""
        rows = self._among("SELECT DISTINCT name FROM products WHERE name IN", names)
        return {row[0] for row in rows}

    def _one(self, query: str) -> Any:
        return self._database.execute(query).fetchone()[0]

    def _among(self, query: str, values: Iterable[str | int]) -> Iterator[tuple[Any, ...]]:
        """The rows of `query`, which ends in IN, for the list of `values`."""
        wanted = list(values)
        for start in range(0, len(wanted), _VARIABLES):
            some = wanted[start : start + _VARIABLES]
            yield from self._database.execute(f"{query} ({', '.join('?' * len(some))})", some)


class Writer(Reader):
    """Changes to the catalog, which count together when its `with` block ends well."""

    def keep_vectors(self, embedded: Iterable[tuple[str, Embedding]]) -> None:
        """Keep vectors by the hash of their text."""
        self._database.executemany(
            "INSERT INTO vectors VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING",
            [
                (name, embedding.sentence.tobytes(), embedding.tokens.tobytes())
                for name, embedding in embedded
            ],
        )

    def forget_vectors(self, hashes: Iterable[str]) -> None:
        """Drop the vectors `hashes`, which belong to no chunk."""
        self._database.executemany("DELETE FROM vectors WHERE hash = ?", [(h,) for h in hashes])

    def put(self, file: FileEntry, parts: Iterable[NewPart]) -> None:
        """Let `file` consist of `parts`, in place of what was held of its path."""
        self.remove([file.path])
        cursor = self._database.execute(
            "INSERT INTO files (path, display, digest, source, is_log) VALUES (?, ?, ?, ?, ?)",
            [str(file.path), file.display, file.digest, file.source, file.is_log],
        )
        for part in parts:
            self._put_part(cursor.lastrowid, part)

    def _put_part(self, file: int | None, part: NewPart) -> None:
        cursor = self._database.execute(
            "INSERT INTO parts (file, name, kind, services, dated_utc, form, vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                file,
                part.name,
                part.kind,
                json.dumps(part.services),
                _time_text(part.dated_utc),
                part.form,
                part.vector.tobytes(),
            ],
        )
        number = cursor.lastrowid
        self._database.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
            [
                (number, chunk.ordinal, chunk.heading, chunk.line, chunk.text, name)
                for chunk, name in zip(part.chunks, part.hashes, strict=True)
            ],
        )
        self._database.executemany(
            "INSERT INTO products VALUES (?, ?)", [(number, name) for name in sorted(part.products)]
        )
        self._database.execute(
            "INSERT INTO terms (rowid, words) VALUES (?, ?)", [number, " ".join(part.terms)]
        )

    def move(self, moves: Iterable[tuple[Path, SourceFile]]) -> None:
        """Hold files, each by its path, as other files, of whose paths nothing else is held."""
        self._database.executemany(
            "UPDATE files SET path = ?, display = ? WHERE path = ?",
            [(str(to.path), to.display, str(path)) for path, to in moves],
        )

    def remove(self, paths: Iterable[Path]) -> None:
        """Drop the files `paths`, held or not."""
        names = [(str(path),) for path in paths]
        self._database.executemany(
            "DELETE FROM terms WHERE rowid IN (SELECT parts.id FROM parts JOIN files"
            " ON files.id = parts.file WHERE path = ?)",
            names,
        )
        self._database.executemany("DELETE FROM files WHERE path = ?", names)

    def put_roots(self, roots: Iterable[Root]) -> None:
        """Remember what is ingested; what was known of the same place as it is replaced."""
        self._database.executemany(
            "INSERT OR REPLACE INTO roots (path, is_log, kind, ingested_at_utc)"
            " VALUES (?, ?, ?, ?)",
            [
                (str(one.path), one.kind == "log", one.kind, _time_text(one.ingested_at_utc))
                for one in roots
            ],
        )

    def forget_roots(self, paths: Iterable[Path]) -> None:
        """Remember the roots `paths` no longer; their files stay."""
        self._database.executemany(
            "DELETE FROM roots WHERE path = ?", [(str(path),) for path in paths]
        )


def _make_tables(database: sqlite3.Connection) -> None:
    _begin_write_ahead_log(database)
    database.execute("BEGIN IMMEDIATE")
    if _format_of(database) == 0:  # no other process was quicker
        for table in _TABLES:
            database.execute(table)
        database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


def _begin_write_ahead_log(database: sqlite3.Connection) -> None:
    """Done once for a file, and all that does not wait by itself while others use the file."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _format_of(database: sqlite3.Connection) -> int:
    (found,) = database.execute("PRAGMA user_version").fetchone()
    return int(found)


def _conditions(only: Filter) -> tuple[list[str], list[str]]:
    conditions: list[str] = []
    values: list[str] = []
    if only.paths:
        conditions.append(_any_of(["(display GLOB ? OR display GLOB ?)"] * len(only.paths)))
        values += [pattern for path in only.paths for pattern in _patterns(path)]
    if only.kinds:
        conditions.append(_any_of(["kind = ?"] * len(only.kinds)))
        values += only.kinds
    if only.services:
        has = "EXISTS (SELECT 1 FROM json_each(services) WHERE lower(value) = lower(?))"
        conditions.append(_any_of([has] * len(only.services)))
        values += only.services
    if only.since_utc is not None:
        conditions.append("dated_utc >= ?")
        values.append(_time_text(only.since_utc))
    return conditions, values


def _patterns(path: str) -> tuple[str, str]:
    """What `path` matches itself, and what lies below it, for GLOB; `[` is a bracket like any."""
    pattern = path.rstrip("/").replace("[", "[[]")
    return pattern, f"{pattern}/*"


def _any_of(conditions: Sequence[str]) -> str:
    return f"({' OR '.join(conditions)})"


def _part(row: tuple[Any, ...]) -> Part:
    number, path, display, name, kind, services, dated_utc = row
    return Part(
        id=number,
        path=Path(path),
        display=display,
        name=name,
        kind=kind,
        services=tuple(json.loads(services)),
        dated_utc=datetime.fromisoformat(dated_utc),
    )


def _time_text(moment: datetime) -> str:
    """A form that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _floats(blob: bytes) -> Vectors:
    import numpy as np

    return np.frombuffer(blob, dtype=np.float32)


def _token_vectors(blob: bytes) -> TokenVectors:
    import numpy as np

    from knowledge.embedding import TOKEN_DIMENSION

    return np.frombuffer(blob, dtype=np.int8).reshape(-1, TOKEN_DIMENSION)
