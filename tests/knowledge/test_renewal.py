from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from knowledge import renewal
from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.catalog import FORMAT
from knowledge.errors import OutdatedCatalog, SourceNotFound, StoreUnavailable
from knowledge.ingest import IngestProgress

Write = Callable[[str, str | bytes], Path]


class Interrupted(Exception):
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "knowledge"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def base(folder: Path, cache_dir: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge_base(folder.parent, cache_dir) as opened:
        yield opened


def write_oldest(folder: Path, *shown: tuple[Path, str]) -> None:
    """What the first version of midwatch left behind: its list, and Chroma's files."""
    with closing(sqlite3.connect(folder / "documents.sqlite3")) as database:
        database.execute(
            "CREATE TABLE documents (version INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL,"
            " display TEXT NOT NULL, digest TEXT NOT NULL, chunks INTEGER NOT NULL,"
            " state TEXT NOT NULL)"
        )
        database.executemany(
            "INSERT INTO documents (path, display, digest, chunks, state)"
            " VALUES (?, ?, 'd', 1, 'current')",
            [(str(path), display) for path, display in shown],
        )
        database.execute(
            "INSERT INTO documents (path, display, digest, chunks, state)"
            " VALUES ('/never/finished.md', 'never/finished.md', 'd', 1, 'writing')"
        )
        database.execute("PRAGMA user_version = 1")
        database.commit()
    (folder / "chroma").mkdir()
    (folder / "chroma/chroma.sqlite3").write_bytes(b"")
    (folder / "chroma/old-segment").mkdir()


def write_other_format(base: KnowledgeBase, folder: Path, *paths: Path) -> None:
    """A knowledge base of `paths` as another version would have it."""
    base.ingest(paths)
    base.close()
    with closing(sqlite3.connect(folder / "catalog.sqlite3")) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")


def write_oldest_of(base: KnowledgeBase, folder: Path, *paths: Path) -> None:
    files = [file for path in paths for file in path.rglob("*") if file.is_file()]
    write_oldest(folder, *((file, str(file.relative_to(paths[0].parent))) for file in files))


Outdate = Callable[..., None]
OUTDATED = pytest.mark.parametrize("outdate", [write_oldest_of, write_other_format])


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@OUTDATED
def test_an_outdated_knowledge_base_is_refused_with_the_command_that_renews_it(
    base: KnowledgeBase, folder: Path, runbooks: Path, outdate: Outdate
) -> None:
    outdate(base, folder, runbooks)
    works: list[Callable[[], object]] = [
        base.is_empty,
        lambda: base.search("disk full"),
        lambda: base.ingest([runbooks]),
        base.refresh,
        base.sources,
        lambda: base.forget(runbooks),
        lambda: base.num_documents,
    ]
    before = {path: path.read_bytes() for path in folder.glob("*.sqlite3")}
    for work in works:
        with pytest.raises(OutdatedCatalog) as caught:
            work()
        assert "midwatch ingest --rebuild" in caught.value.hint
    assert {path: path.read_bytes() for path in folder.glob("*.sqlite3")} == before


@OUTDATED
def test_it_is_made_anew_from_the_folders_that_it_was_made_of(
    base: KnowledgeBase, folder: Path, runbooks: Path, write: Write, outdate: Outdate
) -> None:
    outdate(base, folder, runbooks)
    write("runbooks/since.md", "what was not there then\n")
    seen: list[IngestProgress] = []
    report = base.rebuild(seen.append)
    assert (report.added, report.chunks, report.failed) == (4, 6, ())
    assert seen[-1].files_done == 4
    assert base.search("disk full")[0].path == "runbooks/disk.rst"
    assert [source.path for source in base.sources()] == [runbooks]
    assert base.refresh().unchanged == 4
    assert files_in(folder) == ["catalog.sqlite3", "chroma", "ingest.lock"]
    assert not (folder / "chroma/old-segment").exists()


def test_single_files_and_several_folders_are_roots_again(
    base: KnowledgeBase, folder: Path, write: Write, tmp_path: Path
) -> None:
    one, deep, alone = write("a/x.md", "a\n"), write("b/c/d/y.md", "b\n"), write("z.md", "c\n")
    write_oldest(folder, (one, "a/x.md"), (deep, "c/d/y.md"), (alone, "z.md"))
    base.rebuild()
    roots = [source.path for source in base.sources()]
    assert roots == [tmp_path / "a", tmp_path / "b/c", tmp_path / "z.md"]
    assert base.num_documents == 3


def test_kinds_outlive_the_renewal(base: KnowledgeBase, folder: Path, runbooks: Path) -> None:
    base.ingest([runbooks], kind="incident")
    write_other_format(base, folder, runbooks / "tls.txt")
    base.rebuild()
    assert {source.path.name: source.kind for source in base.sources()} == {
        "runbooks": "incident",
        "tls.txt": None,
    }


def test_an_old_index_is_not_taken_for_the_new_one(
    base: KnowledgeBase, folder: Path, runbooks: Path
) -> None:
    write_other_format(base, folder, runbooks)
    (folder / "chroma/of the old one").touch()
    base.rebuild()
    assert not (folder / "chroma/of the old one").exists()
    assert base.search("disk full")


@OUTDATED
def test_a_renewal_that_fails_changes_nothing_and_goes_on_the_next_time(
    base: KnowledgeBase, folder: Path, runbooks: Path, outdate: Outdate
) -> None:
    outdate(base, folder, runbooks)
    before = {path: path.read_bytes() for path in folder.glob("*.sqlite3")}

    def fail(progress: IngestProgress) -> None:
        if progress.chunks:
            raise Interrupted

    with pytest.raises(Interrupted):
        base.rebuild(fail)
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(OutdatedCatalog):
        base.search("disk full")
    assert base.rebuild().chunks == 0
    assert base.search("disk full")[0].path == "runbooks/disk.rst"
    assert files_in(folder) == ["catalog.sqlite3", "chroma", "ingest.lock"]


@OUTDATED
@pytest.mark.parametrize("step", range(7))
def test_a_renewal_that_ends_while_it_takes_the_old_ones_place_can_be_finished(
    base: KnowledgeBase,
    folder: Path,
    runbooks: Path,
    outdate: Outdate,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outdate(base, folder, runbooks)
    left = [step]

    def ending(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Interrupted
            return change(*arguments, **options)

        return changed

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", ending(shutil.rmtree))
        patched.setattr(Path, "replace", ending(Path.replace))
        patched.setattr(renewal, "_delete_logs", ending(renewal._delete_logs))
        patched.setattr(Path, "unlink", ending(Path.unlink))
        with pytest.raises(Interrupted):
            base.rebuild()
    base.rebuild()
    assert base.search("disk full")[0].path == "runbooks/disk.rst"
    assert base.num_documents == 3


@OUTDATED
def test_folders_that_are_gone_are_remembered(
    base: KnowledgeBase, folder: Path, runbooks: Path, write: Write, outdate: Outdate
) -> None:
    share = write("share/x.md", "on the share\n").parent
    if outdate is write_oldest_of:
        write_oldest(
            folder,
            (runbooks / "tls.txt", "runbooks/tls.txt"),
            (share / "x.md", "share/x.md"),
        )
    else:
        outdate(base, folder, runbooks, share)
    share.rename(share.with_name("away"))
    report = base.rebuild()
    assert (report.added, [failed.path for failed in report.failed]) == (3, [share])
    share.with_name("away").rename(share)
    assert base.refresh().added == 1


@OUTDATED
def test_nothing_is_given_up_when_no_folder_is_there(
    base: KnowledgeBase, folder: Path, runbooks: Path, outdate: Outdate
) -> None:
    outdate(base, folder, runbooks)
    runbooks.rename(runbooks.with_name("away"))
    with pytest.raises(SourceNotFound, match="can be read any more") as caught:
        base.rebuild()
    assert str(runbooks) in caught.value.hint
    runbooks.with_name("away").rename(runbooks)
    assert base.rebuild().added == 3


def test_of_an_empty_one_nothing_is_left(base: KnowledgeBase, folder: Path, runbooks: Path) -> None:
    write_oldest(folder)
    report = base.rebuild()
    assert (report.added, report.failed) == (0, ())
    assert base.is_empty()
    assert base.ingest([runbooks]).added == 3


def test_a_list_that_cannot_be_read_is_an_error(base: KnowledgeBase, folder: Path) -> None:
    (folder / "documents.sqlite3").write_text("no database\n")
    with pytest.raises(StoreUnavailable, match="cannot be read") as caught:
        base.rebuild()
    assert str(folder) in caught.value.hint


def test_what_another_versions_renewal_left_is_begun_anew(
    base: KnowledgeBase, folder: Path, runbooks: Path
) -> None:
    write_other_format(base, folder, runbooks)
    shutil.copy(folder / "catalog.sqlite3", folder / "new-catalog.sqlite3")
    (folder / "new-chroma").mkdir()
    (folder / "new-chroma/of the other").touch()
    assert base.rebuild().added == 3
    assert not (folder / "chroma/of the other").exists()


def test_a_knowledge_base_of_this_version_is_read_anew_in_place(
    base: KnowledgeBase, folder: Path, runbooks: Path, write: Write
) -> None:
    base.ingest([runbooks])
    write("runbooks/tls.txt", b"\0")
    report = base.rebuild()
    assert (report.updated, report.unchanged, report.chunks) == (2, 0, 0)
    assert [failed.path.name for failed in report.failed] == ["tls.txt"]
    assert base.num_documents == 3
