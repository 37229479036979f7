from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.embedding import OnnxEmbedder
from knowledge.errors import IngestBusy, StoreUnavailable
from knowledge.files import FailedFile, list_files
from knowledge.ingest import IngestProgress, IngestReport, ingest, ingest_lock
from knowledge.manifest import Manifest
from knowledge.store import ChunkStore

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

Write = Callable[[str, str | bytes], Path]


class Interrupted(Exception):
    pass


@dataclass
class Recorder:
    """The real embedder; it remembers the texts and can fail before it embeds the n-th batch."""

    embedder: OnnxEmbedder
    fail_at: int = 0
    batches: list[list[str]] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        if len(self.batches) == self.fail_at:
            raise Interrupted
        return self.embedder.embed(texts)


@dataclass
class Library:
    """A manifest and a store of one folder, and what it takes to fill and to read them."""

    manifest: Manifest
    store: ChunkStore
    embedder: OnnxEmbedder
    progress: list[IngestProgress] = field(default_factory=list)

    def ingest(self, *paths: Path, embedder: Recorder | None = None) -> IngestReport:
        return ingest(
            list_files(paths),
            self.manifest,
            self.store,
            embedder or Recorder(self.embedder),
            self.progress.append,
        )

    def texts(self) -> dict[str, list[str]]:
        """What can be found, by display path."""
        found: dict[str, list[tuple[int, str]]] = {}
        current = self.manifest.current()
        for match in self.store.nearest(self.embedder.embed(["x"]), 1_000):
            if match.version in current:
                rows = found.setdefault(current[match.version].file.display, [])
                rows.append((match.chunk.ordinal, match.chunk.text))
        return {name: [text for _, text in sorted(rows)] for name, rows in sorted(found.items())}


@pytest.fixture
def library(tmp_path: Path, embedder: OnnxEmbedder) -> Iterator[Library]:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    store = ChunkStore(folder / "chroma")
    yield Library(Manifest(folder / "documents.sqlite3"), store, embedder)
    store.close()


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    """Added, updated, unchanged, removed, failed."""
    return (
        report.added,
        report.updated,
        report.unchanged,
        report.removed,
        len(report.failed),
    )


def test_a_second_run_embeds_nothing(library: Library, runbooks: Path) -> None:
    first = library.ingest(runbooks)
    assert (counts(first), first.chunks) == ((3, 0, 0, 0, 0), 5)
    again = Recorder(library.embedder)
    second = library.ingest(runbooks, embedder=again)
    assert (counts(second), second.chunks, again.batches) == ((0, 0, 3, 0, 0), 0, [])


def test_changed_files_are_replaced_whole_and_missing_ones_removed(
    library: Library, runbooks: Path, write: Write
) -> None:
    library.ingest(runbooks)
    write("runbooks/redis/RedisDown.md", "# RedisDown\n\nnew text\n")
    (runbooks / "tls.txt").unlink()
    write("runbooks/new.md", "one more\n")
    report = library.ingest(runbooks)
    assert (counts(report), report.chunks) == ((1, 1, 1, 1, 0), 2)
    texts = library.texts()
    assert list(texts) == ["runbooks/disk.rst", "runbooks/new.md", "runbooks/redis/RedisDown.md"]
    assert texts["runbooks/redis/RedisDown.md"] == ["new text"]
    assert library.store.count() == library.manifest.totals()[1] == 3


def test_only_files_below_the_paths_named_are_removed(
    library: Library, runbooks: Path, write: Write
) -> None:
    other = write("other/x.md", "text\n")
    library.ingest(runbooks, other)
    other.unlink()
    assert library.ingest(runbooks).removed == 0
    assert library.ingest(other.parent).removed == 1


def test_what_cannot_be_used_is_listed_and_the_rest_is_taken_in(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/good.md", "good text\n")
    bad = [
        write("docs/binary.md", b"\0\1"),
        write("docs/empty.md", ""),
        write("docs/headings.md", "# only\n"),
        write("docs/latin.txt", b"caf\xe9"),
    ]
    report = library.ingest(tmp_path / "docs")
    assert counts(report) == (1, 0, 0, 0, 4)
    assert [failed.path for failed in report.failed] == bad
    assert report.failed[2] == FailedFile(bad[2], "nothing but headings")
    assert list(library.texts()) == ["docs/good.md"]


def test_what_is_held_of_a_file_stays_when_the_file_becomes_unusable(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "text\n")
    library.ingest(tmp_path / "docs")
    write("docs/x.md", b"\0")
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 0, 1)
    assert library.texts() == {"docs/x.md": ["text"]}


def test_a_folder_that_cannot_be_read_keeps_its_documents(
    library: Library, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("docs/sub/x.md", "text\n")
    library.ingest(tmp_path / "docs")
    iterdir = Path.iterdir

    def refuse_sub(folder: Path) -> Iterator[Path]:
        if folder.name == "sub":
            raise PermissionError(13, "Permission denied")
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", refuse_sub)
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 0, 1)
    assert list(library.texts()) == ["docs/sub/x.md"]


def test_a_document_is_shown_below_the_folder_ingested_last(
    library: Library, runbooks: Path
) -> None:
    library.ingest(runbooks / "redis")
    assert list(library.texts()) == ["redis/RedisDown.md"]
    report = library.ingest(runbooks)
    assert counts(report) == (2, 0, 1, 0, 0)
    assert "runbooks/redis/RedisDown.md" in library.texts()


def test_small_documents_are_embedded_together_and_large_ones_in_batches(
    library: Library, write: Write, tmp_path: Path
) -> None:
    for number in range(40):
        write(f"docs/{number:02}.md", f"text {number}\n")
    write("docs/large.md", "".join(f"# {number}\n\ntext\n\n" for number in range(150)))
    recorder = Recorder(library.embedder)
    report = library.ingest(tmp_path / "docs", embedder=recorder)
    assert [len(batch) for batch in recorder.batches] == [64, 64, 62]
    assert report.chunks == 190


def test_progress_counts_every_file_and_chunk(
    library: Library, runbooks: Path, write: Write
) -> None:
    library.ingest(runbooks / "disk.rst")
    write("runbooks/empty.md", "")
    library.progress.clear()
    library.ingest(runbooks)
    assert library.progress[0] == IngestProgress(0, 4, 0)
    assert library.progress[-1] == IngestProgress(4, 4, 4)
    done = [(seen.files_done, seen.chunks) for seen in library.progress]
    assert done == sorted(done)


@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_an_interrupted_run_leaves_each_document_old_or_new_and_the_next_one_finishes(
    library: Library, write: Write, tmp_path: Path, fail_at: int
) -> None:
    def fill(word: str) -> None:
        for name in "abc":
            sections = (f"# {number}\n\n{word} {name} {number}\n\n" for number in range(40))
            write(f"docs/{name}.md", "".join(sections))

    def document(word: str, name: str) -> list[str]:
        return [f"{word} {name} {number}" for number in range(40)]

    fill("old")
    library.ingest(tmp_path / "docs")
    fill("new")
    with pytest.raises(Interrupted):
        library.ingest(tmp_path / "docs", embedder=Recorder(library.embedder, fail_at))
    texts = library.texts()
    assert list(texts) == ["docs/a.md", "docs/b.md", "docs/c.md"]
    for name in "abc":
        assert texts[f"docs/{name}.md"] in (document("old", name), document("new", name))
    library.ingest(tmp_path / "docs")
    assert library.texts() == {f"docs/{name}.md": document("new", name) for name in "abc"}
    assert library.store.count() == 120


KILLED = """
import os, sys
from pathlib import Path
from knowledge.base import open_knowledge_base

def die(progress):
    if progress.chunks >= 128:
        os._exit(9)

open_knowledge_base(Path(sys.argv[1]), Path(sys.argv[2])).ingest([Path(sys.argv[3])], die)
"""


def test_a_killed_process_leaves_whole_documents_and_no_lock(
    tmp_path: Path, cache_dir: Path, embedder: OnnxEmbedder, write: Write
) -> None:
    sections = [f"# {number}\n\ntext {number}\n\n" for number in range(90)]
    write("docs/a.md", "".join(sections))
    write("docs/b.md", "".join(sections))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "data", cache_dir, tmp_path / "docs"],
        env={"PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert killed.returncode == 9
    folder = tmp_path / "data" / "knowledge"
    store = ChunkStore(folder / "chroma")
    library = Library(Manifest(folder / "documents.sqlite3"), store, embedder)
    assert {name: len(texts) for name, texts in library.texts().items()} == {"docs/a.md": 90}
    assert store.count() > 90
    with ingest_lock(folder / "ingest.lock"):
        assert counts(library.ingest(tmp_path / "docs")) == (1, 0, 1, 0, 0)
    assert store.count() == 180
    store.close()


def test_a_store_that_does_not_fit_its_list_is_refused(library: Library, runbooks: Path) -> None:
    library.ingest(runbooks)
    library.store.remove(list(library.manifest.current())[:1])
    with pytest.raises(StoreUnavailable, match="index holds") as caught:
        library.ingest(runbooks)
    assert str(library.manifest.path.parent) in caught.value.hint


def test_one_ingest_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "ingest.lock"
    with ingest_lock(lock), pytest.raises(IngestBusy) as caught, ingest_lock(lock):
        pass
    assert str(tmp_path) in caught.value.message
    with ingest_lock(lock):
        pass


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"), ingest_lock(tmp_path):
        pass
