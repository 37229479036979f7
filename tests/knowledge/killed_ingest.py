"""A program for `test_ingest`: kills an ingest at each change that it makes, one after the other.

The argument is a folder with `old-docs` and `docs`. For each point it prints, as a JSON object, the
documents that are left after the kill, whether search's parts agree, and the documents after one
more ingest. It forks, because starting an interpreter for each point would take far longer than all
the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import chromadb  # noqa: F401  # here, so that no child needs to
import numpy as np

from knowledge.catalog import Catalog, Filter
from knowledge.embedding import DIMENSION, TOKEN_DIMENSION, Embedding
from knowledge.files import list_files
from knowledge.ingest import ingest
from knowledge.loaders import FileReader
from knowledge.search.terms import terms_of
from knowledge.store import VectorStore, open_folder


class HashEmbedder:
    """Vectors that are nothing but different from each other."""

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        return [self._embedding(text) for text in texts]

    def _embedding(self, text: str) -> Embedding:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        sentence = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
        tokens = np.zeros((1, TOKEN_DIMENSION), dtype=np.int8)
        return Embedding(sentence / np.linalg.norm(sentence), tokens, (0,))


class Deadly:
    """Counts the changes, and kills the process at the n-th."""

    def __init__(self, point: int) -> None:
        self._left = point

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def run_ingest(folder: Path, deadly: Deadly) -> None:
    with closing(open_folder(folder / "chroma")) as store:
        ingest_into(folder, store, deadly)


def ingest_into(folder: Path, store: VectorStore, deadly: Deadly) -> None:
    catalog = Catalog(folder / "catalog.sqlite3")
    make_deadly(catalog, store, deadly)
    listing = list_files([folder.parent / "docs"])
    with FileReader({}) as reader:
        ingest(listing, reader, catalog, store, HashEmbedder(), lambda _: None)


def make_deadly(catalog: Catalog, store: VectorStore, deadly: Deadly) -> None:
    """Kill before each change of the index and before the end of each transaction that writes."""
    connect = catalog._connect

    def traced() -> Any:
        database, begun = connect(), [""]

        def trace(statement: str) -> None:
            if statement.startswith("BEGIN"):
                begun[0] = statement
            elif statement == "COMMIT" and begun[0] == "BEGIN IMMEDIATE":
                deadly.step()

        database.set_trace_callback(trace)
        return database

    def after_a_step(change: Callable[[Any], None]) -> Callable[[Any], None]:
        def changed(what: Any) -> None:
            if what:
                deadly.step()
            change(what)

        return changed

    catalog._connect = traced  # type: ignore[method-assign]
    store.add = after_a_step(store.add)  # type: ignore[assignment, method-assign]
    store.remove = after_a_step(store.remove)  # type: ignore[assignment, method-assign]


def state(folder: Path, store: VectorStore) -> tuple[dict[str, list[str]], bool]:
    """The documents by shown path, and whether all of them can be found by word and by vector."""
    found: dict[str, list[str]] = {}
    with Catalog(folder / "catalog.sqlite3").reading() as known:
        parts = known.parts(sorted(known.allowed(Filter())))
        for one in parts.values():
            found[one.display] = [chunk.text for chunk in known.document(one.id)]
        used = set(known.all_hashes()) - set(known.unused())
        by_word = set(known.matching(terms_of("text")))
        nearest = store.nearest(np.ones(DIMENSION, dtype=np.float32), 1_000)
        return found, by_word == parts.keys() and used <= nearest.keys()


def in_a_child(work: Callable[[], None]) -> int:
    """The status of a child process that does `work`: forked, so it must not have used Chroma."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    except Exception:  # noqa: BLE001 - whose way out is not the parent's
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def tell(folder: Path, point: int) -> None:
    with closing(open_folder(folder / "chroma")) as store:
        left, is_searchable = state(folder, store)
        ingest_into(folder, store, Deadly(0))
        clean, _ = state(folder, store)
    report = {"point": point, "left": left, "is_searchable": is_searchable, "clean": clean}
    print(json.dumps(report))


def main(folder: Path) -> None:
    new_docs, docs, old = folder / "new-docs", folder / "docs", folder / "old"
    docs.rename(new_docs)
    (folder / "old-docs").rename(docs)
    old.mkdir()
    assert in_a_child(lambda: run_ingest(old, Deadly(0))) == 0
    shutil.rmtree(docs)
    new_docs.rename(docs)
    for point in count(1):
        place = folder / f"killed-{point}"
        shutil.copytree(old, place)
        status = in_a_child(lambda: run_ingest(place, Deadly(point)))  # noqa: B023
        if status != signal.SIGKILL:
            assert status == 0
            return
        assert in_a_child(lambda: tell(place, point)) == 0  # noqa: B023
        shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
