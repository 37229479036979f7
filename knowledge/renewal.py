"""Renewal: a knowledge base that another version of midwatch wrote, made anew from its files.

The new catalog and index grow beside the old ones, and take their place when they are complete. A
renewal that was killed can be run again, and goes on where it was.

The oldest version kept its list of files in `documents.sqlite3`, and all else in Chroma.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge.catalog import Catalog, Root
from knowledge.embedding import Embedder
from knowledge.errors import OutdatedCatalog, SourceNotFound, StoreUnavailable
from knowledge.ingest import IngestProgress, IngestReport
from knowledge.roots import Intake, ListLogs, total
from knowledge.store import open_folder

_CATALOG, _INDEX = "catalog.sqlite3", "chroma"
_NEW_CATALOG, _NEW_INDEX = "new-catalog.sqlite3", "new-chroma"
_OLDEST_LIST = "documents.sqlite3"


def is_outdated(folder: Path) -> bool:
    """Whether the knowledge base in `folder` is another version's. Raises StoreUnavailable."""
    catalog = Catalog(folder / _CATALOG, predecessor=folder / _OLDEST_LIST)
    try:
        if catalog.exists():
            with catalog.reading():
                pass
    except OutdatedCatalog:
        return True
    return False


def renew(
    folder: Path,
    embedder: Embedder,
    progress: Callable[[IngestProgress], None],
    list_logs: ListLogs | None,
) -> IngestReport:
    """Make the outdated knowledge base in `folder` anew from the roots that it was made of.

    Roots that are gone are listed as failed, and remembered. The caller holds the ingest lock and
    has nothing of `folder` open. Raises SourceNotFound when no document is left anywhere, and what
    `knowledge.ingest` does; then nothing has changed.
    """
    roots = _roots(folder)
    report = _ingest_beside(folder, roots, embedder, progress, list_logs)
    _replace(folder)
    return report


def _ingest_beside(
    folder: Path,
    roots: Sequence[Root],
    embedder: Embedder,
    progress: Callable[[IngestProgress], None],
    list_logs: ListLogs | None,
) -> IngestReport:
    catalog = _new_catalog(folder)
    with catalog.writing() as change:
        change.put_roots(roots)
    with contextlib.closing(open_folder(folder / _NEW_INDEX)) as store:
        intake = Intake(catalog, store, embedder, progress)
        report = intake.again(list_logs) if roots else total([])
    with catalog.reading() as known:
        if roots and not known.has_documents():
            raise SourceNotFound(
                "nothing of what was ingested can be read any more",
                f"bring {roots[0].path} back, or delete {folder} and begin anew",
            )
    return report


def _new_catalog(folder: Path) -> Catalog:
    """The catalog that a killed renewal left, or an empty one."""
    catalog = Catalog(folder / _NEW_CATALOG)
    try:
        with catalog.reading():
            return catalog
    except OutdatedCatalog:
        _delete_catalog(catalog.path)
        shutil.rmtree(folder / _NEW_INDEX, ignore_errors=True)
        return catalog


def _replace(folder: Path) -> None:
    """Let the new take the place of the old; the catalog last, since it decides what is there.

    Killed before that, the old catalog is still there to be made anew. The index may be missing
    then, which costs nothing: it is of no use to this version, or can be made from the catalog.
    """
    try:
        shutil.rmtree(folder / _INDEX, ignore_errors=True)
        (folder / _NEW_INDEX).replace(folder / _INDEX)
        # The old catalog's write-ahead log would be taken for the new one's.
        _delete_logs(folder / _CATALOG)
        (folder / _NEW_CATALOG).replace(folder / _CATALOG)
        (folder / _OLDEST_LIST).unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"{folder} cannot be changed: {error}",
            "see who else uses it, and run midwatch ingest --rebuild again",
        ) from error


def _delete_catalog(path: Path) -> None:
    _delete_logs(path)
    path.unlink(missing_ok=True)


def _delete_logs(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def _roots(folder: Path) -> list[Root]:
    """What the outdated knowledge base was made of. Raises StoreUnavailable."""
    path = folder / _CATALOG
    if path.exists():
        return [
            Root(Path(root), kind, datetime.fromisoformat(time))
            for root, kind, time in _rows(path, "SELECT path, kind, ingested_at_utc FROM roots")
        ]
    path = folder / _OLDEST_LIST
    changed_utc = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    rows = _rows(path, "SELECT path, display FROM documents WHERE state = 'current'")
    return [Root(root, None, changed_utc) for root in sorted({_root(*row) for row in rows})]


def _root(path: str, display: str) -> Path:
    """What was ingested when `path` came to be shown as `display`: its name and what is below."""
    below = Path(display).parts[1:]
    return Path(path).parents[len(below) - 1] if below else Path(path)


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute(query).fetchall()
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"what was ingested cannot be read from {path}: {error}",
            f"delete {path.parent} and ingest again",
        ) from error
