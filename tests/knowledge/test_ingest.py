from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread

import pytest

from knowledge.blocks import plain_blocks
from knowledge.catalog import Catalog, Filter
from knowledge.documents import Document, Kind
from knowledge.embedding import Embedder, Embedding, OnnxEmbedder
from knowledge.errors import IngestBusy, StoreUnavailable
from knowledge.files import FailedFile, Listing, SourceFile, list_files
from knowledge.ingest import (
    _PART_CHUNKS,
    IngestProgress,
    IngestReport,
    drop_unused,
    ingest,
    ingest_lock,
    is_below,
    mend_index,
)
from knowledge.loaders import FileReader, Reading, SourceReader
from knowledge.store import VectorStore, open_folder

Write = Callable[[str, str | bytes], Path]


class Interrupted(Exception):
    pass


@dataclass
class Recorder:
    """The real embedder; it remembers the texts and can fail before it embeds the n-th batch."""

    embedder: Embedder
    fail_at: int = 0
    batches: list[list[str]] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        self.batches.append(list(texts))
        if len(self.batches) == self.fail_at:
            raise Interrupted
        return self.embedder.embed(texts)


@dataclass
class Library:
    """A catalog and an index of one folder, and what it takes to fill and to read them."""

    catalog: Catalog
    store: VectorStore
    embedder: OnnxEmbedder
    progress: list[IngestProgress] = field(default_factory=list)

    def ingest(
        self,
        *paths: Path,
        embedder: Embedder | None = None,
        kind: Kind | None = None,
        listing: Listing | None = None,
        progress: Callable[[IngestProgress], None] | None = None,
    ) -> IngestReport:
        listing = listing or list_files(paths)
        with FileReader(dict.fromkeys(listing.roots, kind)) as reader:
            return self.ingest_from(listing, reader, embedder, progress)

    def ingest_from(
        self,
        listing: Listing,
        reader: SourceReader,
        embedder: Embedder | None = None,
        progress: Callable[[IngestProgress], None] | None = None,
        are_logs: bool = False,
    ) -> IngestReport:
        return ingest(
            listing,
            reader,
            self.catalog,
            self.store,
            embedder or self.embedder,
            progress or self.progress.append,
            are_logs=are_logs,
        )

    def texts(self) -> dict[str, list[str]]:
        """The texts of each document that the catalog and the index both have, by shown path."""
        found: dict[str, list[str]] = {}
        indexed = self.store.hashes()
        with self.catalog.reading() as known:
            for one in known.parts(sorted(known.allowed(Filter()))).values():
                name = f"{one.display}#{one.name}" if one.name else one.display
                found[name] = [chunk.text for chunk in known.document(one.id)]
            assert set(known.all_hashes()) == indexed
            assert known.unused() == []
        return dict(sorted(found.items()))

    def found_by_word(self, word: str) -> list[str]:
        with self.catalog.reading() as known:
            return sorted(one.display for one in known.parts(known.matching([word])).values())


@pytest.fixture
def library(tmp_path: Path, embedder: OnnxEmbedder) -> Iterator[Library]:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    store = open_folder(folder / "chroma")
    yield Library(Catalog(folder / "catalog.sqlite3"), store, embedder)
    store.close()


def counts(report: IngestReport) -> tuple[int, int, int, int, int, int]:
    """Added, updated, moved, unchanged, removed, failed."""
    return (
        report.added,
        report.updated,
        report.moved,
        report.unchanged,
        report.removed,
        len(report.failed),
    )


def sections(*words: str) -> str:
    """A document with one chunk for each of `words`."""
    return "".join(f"# {word}\n\ntext about {word}\n\n" for word in words)


def test_a_second_run_embeds_nothing(library: Library, runbooks: Path) -> None:
    first = library.ingest(runbooks)
    assert (counts(first), first.chunks, first.has_changes) == ((3, 0, 0, 0, 0, 0), 5, True)
    again = Recorder(library.embedder)
    second = library.ingest(runbooks, embedder=again)
    assert (counts(second), second.chunks, again.batches) == ((0, 0, 0, 3, 0, 0), 0, [])
    assert not second.has_changes


def test_a_second_run_writes_nothing(library: Library, runbooks: Path) -> None:
    library.ingest(runbooks)
    before = library.catalog.path.read_bytes()
    library.ingest(runbooks)
    assert library.catalog.path.read_bytes() == before


def test_changed_files_are_replaced_whole_and_missing_ones_removed(
    library: Library, runbooks: Path, write: Write
) -> None:
    library.ingest(runbooks)
    write("runbooks/redis/RedisDown.md", "# RedisDown\n\nnew text\n")
    (runbooks / "tls.txt").unlink()
    write("runbooks/new.md", "one more\n")
    report = library.ingest(runbooks)
    assert (counts(report), report.chunks) == ((1, 1, 0, 1, 1, 0), 2)
    texts = library.texts()
    assert list(texts) == ["runbooks/disk.rst", "runbooks/new.md", "runbooks/redis/RedisDown.md"]
    assert texts["runbooks/redis/RedisDown.md"] == ["new text"]
    assert library.found_by_word("certificate") == []


def test_a_small_edit_embeds_only_the_passages_that_it_changed(
    library: Library, write: Write
) -> None:
    file = write("x.md", sections("one", "two", "three"))
    library.ingest(file)
    write("x.md", sections("one", "zwei", "three"))
    recorder = Recorder(library.embedder)
    assert library.ingest(file, embedder=recorder).chunks == 1
    assert recorder.batches == [["zwei\ntext about zwei"]]
    assert library.texts() == {"x.md": ["text about one", "text about zwei", "text about three"]}


@pytest.mark.parametrize("new_name", ["docs/b/x.md", "docs/b/y.md"])
def test_a_renamed_file_keeps_its_vectors(
    library: Library, write: Write, tmp_path: Path, new_name: str
) -> None:
    old = write("docs/a/x.md", sections("one", "two"))
    library.ingest(tmp_path / "docs")
    old.rename(write(new_name, ""))
    report = library.ingest(tmp_path / "docs", embedder=Recorder(library.embedder, fail_at=1))
    assert report.chunks == 0
    assert library.texts() == {new_name: ["text about one", "text about two"]}


def test_a_renamed_folder_only_moves_its_files(
    library: Library, write: Write, tmp_path: Path
) -> None:
    for number in range(5):
        write(f"docs/old/{number}.md", f"text {number}\n")
    write("docs/copy/0.md", "text 0\n")
    library.ingest(tmp_path / "docs")
    (tmp_path / "docs/old").rename(tmp_path / "docs/new")
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 5, 1, 0, 0)
    assert list(library.texts()) == ["docs/copy/0.md", *(f"docs/new/{n}.md" for n in range(5))]
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 6, 0, 0)


def test_files_that_change_names_with_each_other_are_both_held_right(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/a.md", "# A\n\nfirst\n")
    write("docs/b.md", "# B\n\nsecond\n")
    library.ingest(tmp_path / "docs")
    write("docs/a.md", "# B\n\nsecond\n")
    write("docs/b.md", "# A\n\nfirst\n")
    recorder = Recorder(library.embedder)
    assert counts(library.ingest(tmp_path / "docs", embedder=recorder)) == (0, 2, 0, 0, 0, 0)
    assert recorder.batches == []
    assert library.texts() == {"docs/a.md": ["second"], "docs/b.md": ["first"]}


def test_a_new_file_in_the_place_of_a_moved_one_takes_nothing_from_it(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "first\n")
    library.ingest(tmp_path / "docs")
    write("docs/sub/x.md", "first\n")
    write("docs/x.md", "second\n")
    assert counts(library.ingest(tmp_path / "docs")) == (1, 1, 0, 0, 0, 0)
    assert library.texts() == {"docs/sub/x.md": ["first"], "docs/x.md": ["second"]}


def test_duplicates_are_embedded_once_and_both_found(
    library: Library, write: Write, tmp_path: Path
) -> None:
    for folder in "ab":
        write(f"docs/{folder}/x.md", "the disk is full\n")
    assert library.ingest(tmp_path / "docs").chunks == 1
    both = ["docs/a/x.md", "docs/b/x.md"]
    assert list(library.texts()) == both == library.found_by_word("disk")
    (tmp_path / "docs/a/x.md").unlink()
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 1, 1, 0)
    assert library.texts() == {"docs/b/x.md": ["the disk is full"]}


def test_only_files_below_the_paths_named_are_removed(
    library: Library, runbooks: Path, write: Write
) -> None:
    other = write("runbooks-2/x.md", "text\n")
    library.ingest(runbooks, other)
    other.unlink()
    assert library.ingest(runbooks).removed == 0
    assert library.ingest(other.parent).removed == 1


def test_what_cannot_be_used_is_listed_and_the_rest_is_taken_in(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/good.md", "good text\n")
    bad = [
        write("docs/binary.md", b"\x7fELF\0\1\2"),
        write("docs/broken.docx", b"PK\x03\x04 and no more"),
        write("docs/broken.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog"),
        write("docs/cut.ipynb", '{"cells": ['),
        write("docs/empty.md", ""),
        write("docs/headings.md", "# only\n"),
        write("docs/latin.txt", b"caf\xe9"),
        write("docs/not.pdf", "# Markdown\n\nnamed as PDF\n"),
        write("docs/pages.zip", b"PK\x05\x06 broken"),
        write("docs/rules.yml", "groups: [\n- alert: DiskFull\n  expr: [\n"),
    ]
    report = library.ingest(tmp_path / "docs")
    assert counts(report) == (1, 0, 0, 0, 0, len(bad))
    assert sorted(failed.path for failed in report.failed) == bad
    assert FailedFile(bad[5], "nothing but headings") in report.failed
    assert all(failed.reason for failed in report.failed)
    assert list(library.texts()) == ["docs/good.md"]


def test_a_file_that_is_far_too_large_is_not_read_whole(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/a.md", "good text\n")
    large = write("docs/large.txt", "x")
    os.truncate(large, 100_000_000_000)
    report = library.ingest(tmp_path / "docs")
    assert report.failed == (FailedFile(large, "larger than 5 MB"),)
    assert list(library.texts()) == ["docs/a.md"]


def test_links_that_lead_in_circles_end(library: Library, write: Write, tmp_path: Path) -> None:
    write("docs/a.md", "text\n")
    (tmp_path / "docs/self.md").symlink_to("self.md")
    (tmp_path / "docs/up").symlink_to("..")
    (tmp_path / "docs/around").symlink_to(".")
    report = library.ingest(tmp_path / "docs")
    assert [failed.path.name for failed in report.failed] == ["self.md"]
    assert list(library.texts()) == ["docs/a.md"]


def test_what_is_held_of_a_file_stays_when_the_file_becomes_unusable(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "text\n")
    library.ingest(tmp_path / "docs")
    write("docs/x.md", b"\0")
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 0, 0, 1)
    assert library.texts() == {"docs/x.md": ["text"]}


def test_what_is_held_of_an_archive_stays_when_the_archive_becomes_unusable(
    library: Library, tmp_path: Path
) -> None:
    archive = tmp_path / "docs" / "wiki.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("a.md", "first page\n")
        writing.writestr("sub/b.md", "second page\n")
        writing.writestr("picture.png", b"\x89PNG")
    assert counts(library.ingest(archive.parent)) == (2, 0, 0, 0, 0, 0)
    pages = {"docs/wiki.zip/a.md": ["first page"], "docs/wiki.zip/sub/b.md": ["second page"]}
    assert library.texts() == pages
    assert counts(library.ingest(archive.parent)) == (0, 0, 0, 2, 0, 0)
    archive.write_bytes(archive.read_bytes()[:-30])
    assert counts(library.ingest(archive.parent)) == (0, 0, 0, 0, 0, 1)
    assert library.texts() == pages
    archive.unlink()
    assert counts(library.ingest(archive.parent)) == (0, 0, 0, 0, 2, 0)
    assert library.texts() == {}


def test_a_folder_that_cannot_be_read_keeps_its_documents(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/sub/x.md", "text\n")
    write("docs/y.md", "text\n")
    library.ingest(tmp_path / "docs")
    (tmp_path / "docs/y.md").unlink()
    unreadable = FailedFile(tmp_path / "docs/sub", "the folder cannot be read: Permission denied")
    listing = Listing((tmp_path / "docs",), (), (unreadable,))
    assert counts(library.ingest(listing=listing)) == (0, 0, 0, 0, 1, 1)
    assert list(library.texts()) == ["docs/sub/x.md"]


def test_a_file_that_vanishes_meanwhile_is_listed_and_what_was_held_stays(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "old\n")
    library.ingest(tmp_path / "docs")
    new = write("docs/y.md", "new\n")
    listing = list_files([tmp_path / "docs"])
    new.unlink()
    (tmp_path / "docs/x.md").unlink()
    report = library.ingest(listing=listing)
    assert [failed.reason for failed in report.failed] == [
        "cannot be read: No such file or directory"
    ] * 2
    assert library.texts() == {"docs/x.md": ["old"]}
    assert counts(library.ingest(tmp_path / "docs")) == (0, 0, 0, 0, 1, 0)


def test_a_file_that_changes_after_it_was_read_is_taken_in_the_next_time(
    library: Library, write: Write
) -> None:
    file = write("x.md", "first\n")

    def change(progress: IngestProgress) -> None:
        if progress.chunks:
            write("x.md", "second\n")

    library.ingest(file, progress=change)
    assert library.texts() == {"x.md": ["first"]}
    assert counts(library.ingest(file)) == (0, 1, 0, 0, 0, 0)
    assert library.texts() == {"x.md": ["second"]}


def test_a_document_is_shown_below_the_folder_ingested_last(
    library: Library, runbooks: Path
) -> None:
    library.ingest(runbooks / "redis")
    assert list(library.texts()) == ["redis/RedisDown.md"]
    report = library.ingest(runbooks)
    assert counts(report) == (2, 0, 0, 1, 0, 0)
    assert "runbooks/redis/RedisDown.md" in library.texts()


def test_small_documents_are_embedded_together_and_large_ones_in_batches(
    library: Library, write: Write, tmp_path: Path
) -> None:
    for number in range(40):
        write(f"docs/{number:02}.md", f"text {number}\n")
    write("docs/large.md", sections(*map(str, range(150))))
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


def kinds(library: Library) -> dict[str, Kind]:
    with library.catalog.reading() as known:
        parts = known.parts(sorted(known.allowed(Filter())))
        return {one.display: one.kind for one in parts.values()}


def test_documents_are_what_they_look_like_unless_a_kind_is_given(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("docs/a.md", "text\n")
    write("docs/incidents/b.md", "text\n")
    library.ingest(tmp_path / "docs")
    assert kinds(library) == {"docs/a.md": "runbook", "docs/incidents/b.md": "incident"}
    recorder = Recorder(library.embedder)
    library.ingest(tmp_path / "docs", embedder=recorder, kind="incident")
    assert kinds(library) == {"docs/a.md": "incident", "docs/incidents/b.md": "incident"}
    assert recorder.batches == []
    with library.catalog.reading() as known:
        assert known.incident_sources() == {
            tmp_path / "docs/a.md": "text\n",
            tmp_path / "docs/incidents/b.md": "text\n",
        }


RULES = """\
groups:
  - name: disk
    rules:
      - alert: DiskFull
        expr: free == 0
        annotations:
          summary: The disk is full.
      - alert: DiskSlow
        expr: latency > 1
        annotations:
          summary: The disk is slow.
"""


def test_a_file_with_several_documents_is_taken_in_as_a_whole(
    library: Library, write: Write
) -> None:
    file = write("rules.yml", RULES)
    assert counts(library.ingest(file)) == (1, 0, 0, 0, 0, 0)
    assert list(library.texts()) == ["rules.yml#DiskFull", "rules.yml#DiskSlow"]
    with library.catalog.reading() as known:
        assert known.totals()[0] == 2
    write("rules.yml", RULES.replace("DiskSlow", "DiskOld"))
    library.ingest(file)
    assert list(library.texts()) == ["rules.yml#DiskFull", "rules.yml#DiskOld"]
    write("rules.yml", "groups: [\n")
    assert counts(library.ingest(file)) == (0, 0, 0, 0, 0, 1)
    assert list(library.texts()) == ["rules.yml#DiskFull", "rules.yml#DiskOld"]


@dataclass
class OneDocument:
    """A reader whose only document has one chunk for each of `words`."""

    kind: Kind
    words: tuple[str, ...]

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        text = "\n\n".join(f"{word} {'x' * 800}" for word in self.words)
        document = Document(text, tuple(plain_blocks(text)), title="T", kind=self.kind)
        return Reading(" ".join(self.words), (document,))


def part_sizes(library: Library) -> list[int]:
    with library.catalog.reading() as known:
        chunks = known.chunks(sorted(known.allowed(Filter())))
        return [len(chunks[number]) for number in sorted(chunks)]


@pytest.mark.parametrize(
    ("kind", "num_chunks", "sizes"),
    [
        ("runbook", 1, [1]),
        ("runbook", _PART_CHUNKS, [_PART_CHUNKS]),
        ("runbook", 2 * _PART_CHUNKS, [_PART_CHUNKS] * 2),
        ("runbook", 2 * _PART_CHUNKS - 2, [_PART_CHUNKS - 1] * 2),
        ("log", 3, [1, 1, 1]),
    ],
)
def test_long_documents_are_ranked_in_parts_and_logs_by_the_passage(
    library: Library, write: Write, kind: Kind, num_chunks: int, sizes: list[int]
) -> None:
    listing = list_files([write("x.md", "")])
    words = tuple(f"word{number}" for number in range(num_chunks))
    library.ingest_from(listing, OneDocument(kind, words))
    assert part_sizes(library) == sizes
    (texts,) = library.texts().values()
    assert [text.split()[0] for text in texts] == list(words)


def test_logs_and_documents_of_one_folder_do_not_touch_each_other(
    library: Library, write: Write, tmp_path: Path
) -> None:
    write("app/readme.md", "text\n")
    log = SourceFile(write("app/app.log", "line\n"), "app/app.log")
    logs = Listing((tmp_path / "app",), (log,), ())
    library.ingest(tmp_path / "app")
    report = library.ingest_from(logs, OneDocument("log", ("a", "b")), are_logs=True)
    assert counts(report) == (1, 0, 0, 0, 0, 0)
    assert counts(library.ingest(tmp_path / "app")) == (0, 0, 0, 1, 0, 0)
    assert kinds(library) == {"app/readme.md": "runbook", "app/app.log": "log"}
    nothing = replace(logs, files=())
    report = library.ingest_from(nothing, OneDocument("log", ()), are_logs=True)
    assert counts(report) == (0, 0, 0, 0, 1, 0)
    assert list(kinds(library)) == ["app/readme.md"]


def test_a_document_is_as_old_as_it_says_or_else_as_its_file(
    library: Library, write: Write, tmp_path: Path
) -> None:
    said = write("docs/said.md", "---\ndate: 2025-04-01\n---\n# A\n\ntext\n")
    silent = write("docs/silent.md", "text\n")
    archive = tmp_path / "docs/wiki.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("a.md", "page\n")
    for file in (said, silent, archive):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    library.ingest(tmp_path / "docs")
    with library.catalog.reading() as known:
        parts = known.parts(sorted(known.allowed(Filter())))
        dates = {one.path.name: one.dated_utc for one in parts.values()}
    changed = datetime.fromtimestamp(1_700_000_000, UTC)
    assert dates == {
        "said.md": datetime(2025, 4, 1, tzinfo=UTC),
        "silent.md": changed,
        "a.md": changed,
    }


def documents(word: str) -> dict[str, list[str]]:
    """Three documents, together more than one batch."""
    return {
        f"docs/{name}.md": [f"text about {word} {name} {number}" for number in range(40)]
        for name in "abc"
    }


def fill(write: Write, word: str) -> None:
    for name in "abc":
        write(f"docs/{name}.md", sections(*(f"{word} {name} {number}" for number in range(40))))


def require_old_or_new(library: Library) -> None:
    with library.catalog.reading() as known:
        parts = known.parts(sorted(known.allowed(Filter()))).values()
        found = {one.display: [c.text for c in known.document(one.id)] for one in parts}
        used = set(known.all_hashes()) - set(known.unused())
    old, new = documents("old"), documents("new")
    assert found.keys() == old.keys()
    assert all(found[name] in (old[name], new[name]) for name in found)
    assert used <= library.store.hashes()


@pytest.mark.parametrize("fail_at", [1, 2])
def test_an_interrupted_run_leaves_each_document_old_or_new_and_the_next_one_finishes(
    library: Library, write: Write, tmp_path: Path, fail_at: int
) -> None:
    fill(write, "old")
    library.ingest(tmp_path / "docs")
    fill(write, "new")
    with pytest.raises(Interrupted):
        library.ingest(tmp_path / "docs", embedder=Recorder(library.embedder, fail_at))
    require_old_or_new(library)
    again = Recorder(library.embedder)
    library.ingest(tmp_path / "docs", embedder=again)
    assert library.texts() == documents("new")
    # What was embedded before the interruption is not embedded again.
    assert sum(map(len, again.batches)) == 120 - [0, 64][fail_at - 1]


def break_nothing(library: Library) -> None:
    pass


def lose_some(library: Library) -> None:
    library.store.remove(sorted(library.store.hashes())[::2])


def lose_all(library: Library) -> None:
    library.store.remove(sorted(library.store.hashes()))


def have_strays(library: Library) -> None:
    names = sorted(library.store.hashes())
    (one,) = library.embedder.embed(["something else"])
    library.store.remove(names[:3])
    library.store.add({f"stray {number}": one for number in range(3)})


@pytest.mark.parametrize("damage", [break_nothing, lose_some, lose_all, have_strays])
def test_the_next_ingest_mends_an_index_without_embedding_anything(
    library: Library, runbooks: Path, damage: Callable[[Library], None]
) -> None:
    library.ingest(runbooks)
    before = library.texts()
    (question,) = library.embedder.embed(["no space left"])
    nearest = library.store.nearest(question.sentence, 2)
    damage(library)
    library.ingest(runbooks, embedder=Recorder(library.embedder, fail_at=1))
    assert library.texts() == before
    assert library.store.nearest(question.sentence, 2) == pytest.approx(nearest)


def test_what_no_document_has_any_more_is_dropped_from_catalog_and_index(
    library: Library, write: Write
) -> None:
    library.ingest(write("x.md", sections(*map(str, range(70)))))
    with library.catalog.writing() as change:
        change.remove(list(change.files()))
    assert library.store.count() == 70
    drop_unused(library.catalog, library.store)
    assert library.store.count() == 0
    with library.catalog.reading() as known:
        assert known.all_hashes() == []


def test_mending_an_empty_index_takes_all_vectors_from_the_catalog(
    library: Library, write: Write, tmp_path: Path
) -> None:
    library.ingest(write("x.md", sections(*map(str, range(70)))))
    other = open_folder(tmp_path / "other")
    mend_index(library.catalog, other)
    assert other.hashes() == library.store.hashes()
    other.close()


@dataclass
class FailingStore:
    """A vector store that fails at the n-th change, as on a full disk."""

    store: VectorStore
    fail_at: int

    def _count(self) -> None:
        self.fail_at -= 1
        if not self.fail_at:
            raise StoreUnavailable("no space left on device")

    def add(self, embedded: dict[str, Embedding]) -> None:
        self._count()
        self.store.add(embedded)

    def remove(self, hashes: Sequence[str]) -> None:
        if hashes:
            self._count()
        self.store.remove(hashes)

    def hashes(self) -> set[str]:
        return self.store.hashes()


@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_an_index_that_fails_loses_no_document(
    library: Library, write: Write, tmp_path: Path, fail_at: int
) -> None:
    fill(write, "old")
    library.ingest(tmp_path / "docs")
    fill(write, "new")
    whole = library.store
    library.store = FailingStore(whole, fail_at)  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable, match="no space left"):
        library.ingest(tmp_path / "docs")
    library.store = whole
    require_old_or_new(library)
    library.ingest(tmp_path / "docs")
    assert library.texts() == documents("new")


KILLED = Path(__file__).with_name("killed_ingest.py")


def test_killed_anywhere_it_leaves_whole_documents_and_the_next_run_finishes(
    tmp_path: Path, write: Write
) -> None:
    fill(write, "old")
    write("old-docs/gone.md", "text about gone\n")
    shutil.copytree(tmp_path / "docs", tmp_path / "old-docs", dirs_exist_ok=True)
    fill(write, "new")
    write("docs/more.md", "text about more\n")
    done = subprocess.run(
        [sys.executable, KILLED, tmp_path],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) >= 9  # two batches embedded, indexed and put; moved; what is unused dropped
    wanted = {**documents("new"), "docs/more.md": ["text about more"]}
    old = {**documents("old"), "docs/gone.md": ["text about gone"]}
    for run in runs:
        assert run["clean"] == wanted
        for name, texts in run["left"].items():
            assert texts in (old.get(name), wanted.get(name)), (run["point"], name)
        assert run["left"].keys() >= documents("old").keys(), run["point"]
        assert run["is_searchable"], run["point"]
    # Some were killed before anything was new, and some when almost everything was.
    assert runs[0]["left"] == old
    assert runs[-1]["left"] == wanted


def test_one_ingest_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "ingest.lock"
    with ingest_lock(lock), pytest.raises(IngestBusy) as caught, ingest_lock(lock):
        pass
    assert str(tmp_path) in caught.value.message
    with ingest_lock(lock):
        pass


def test_of_many_threads_that_want_to_ingest_one_gets_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "ingest.lock"
    start, end = Barrier(8), Barrier(8)
    outcomes: list[str] = []

    def try_it() -> None:
        start.wait()
        try:
            with ingest_lock(lock):
                outcomes.append("had it")
                end.wait()
        except IngestBusy:
            outcomes.append("busy")
            end.wait()

    threads = [Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["busy"] * 7 + ["had it"]


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"), ingest_lock(tmp_path):
        pass


def test_a_file_system_without_locks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(StoreUnavailable, match="cannot be locked: No locks"),
        ingest_lock(tmp_path / "ingest.lock"),
    ):
        pass


@pytest.mark.parametrize(
    ("path", "is_in_it"),
    [("/a/b", True), ("/a/b/c/d.md", True), ("/a/bc", False), ("/a", False), ("/x/a/b", False)],
)
def test_below_is_by_whole_names(path: str, is_in_it: bool) -> None:
    assert is_below(Path(path), {Path("/a/b"), Path("/other")}) == is_in_it


def test_yaml_without_alerts_is_worth_a_word_only_when_it_was_named(
    library: Library, write: Write, tmp_path: Path
) -> None:
    rules = "groups:\n- rules:\n  - alert: DiskFull\n    expr: free < 1\n"
    file = write("repository/rules.yaml", rules)
    other = write("repository/deployment.yaml", "kind: Deployment\n")
    assert counts(library.ingest(tmp_path / "repository")) == (1, 0, 0, 0, 0, 0)
    assert library.progress[-1].files_done == 2
    assert counts(library.ingest(other)) == (0, 0, 0, 0, 0, 1)
    # What had alerts and has none any more is no document now.
    file.write_text("groups: []\n")
    assert counts(library.ingest(tmp_path / "repository")) == (0, 0, 0, 0, 1, 0)
    assert library.texts() == {}
