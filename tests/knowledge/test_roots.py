from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase, open_knowledge_base
from knowledge.catalog import Filter
from knowledge.documents import Kind
from knowledge.errors import SourceNotFound
from knowledge.files import Listing, SourceFile
from knowledge.ingest import IngestReport
from knowledge.loaders import FileReader, SourceReader

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def base(tmp_path: Path, cache_dir: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge_base(tmp_path / "data", cache_dir) as opened:
        yield opened


def list_logs(paths: Sequence[Path]) -> tuple[Listing, SourceReader]:
    """Each `*.log` below `paths` is a log that says what stands in it."""
    files = tuple(
        SourceFile(file, str(file.relative_to(path.parent)))
        for path in paths
        for file in sorted(path.rglob("*.log"))
    )
    return Listing(tuple(paths), files, ()), FileReader(dict.fromkeys(paths, "log"))


def kinds(base: KnowledgeBase) -> dict[str, Kind]:
    with base._catalog.reading() as known:
        parts = known.parts(known.allowed(Filter())).values()
        return {one.display: one.kind for one in sorted(parts, key=lambda one: one.display)}


def held(base: KnowledgeBase) -> dict[tuple[str, Kind | None], int]:
    """How many documents each root has."""
    return {(one.path.name, one.kind): one.num_documents for one in base.sources()}


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    """Added, updated, unchanged, removed."""
    return report.added, report.updated, report.unchanged, report.removed


def test_a_refresh_takes_in_again_all_that_ever_was(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    for name in ("a/x.md", "a/y.md", "b/x.md", "c.txt"):
        write(name, f"text of {name}\n")
    base.ingest([tmp_path / "a"])
    base.ingest([tmp_path / "b", tmp_path / "c.txt"])
    write("a/y.md", "changed\n")
    write("b/new.md", "new\n")
    (tmp_path / "b/x.md").unlink()
    assert counts(base.refresh()) == (1, 1, 2, 1)
    assert list(kinds(base)) == ["a/x.md", "a/y.md", "b/new.md", "c.txt"]


def test_a_refresh_of_nothing_says_what_to_do(base: KnowledgeBase) -> None:
    with pytest.raises(SourceNotFound) as caught:
        base.refresh()
    assert "midwatch ingest FOLDER" in caught.value.hint
    assert base.sources() == []


def test_a_root_keeps_its_kind_until_it_is_given_another(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("past/x.md", "text\n")
    base.ingest([tmp_path / "past"], kind="incident")
    assert counts(base.refresh()) == (0, 0, 1, 0)
    write("past/y.md", "more\n")
    base.refresh()
    assert kinds(base) == {"past/x.md": "incident", "past/y.md": "incident"}
    base.ingest([tmp_path / "past"])
    assert kinds(base) == {"past/x.md": "runbook", "past/y.md": "runbook"}
    assert held(base) == {("past", None): 2}


def test_below_several_roots_the_nearest_decides(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("docs/a.md", "text a\n")
    write("docs/past/b.md", "text b\n")
    base.ingest([tmp_path / "docs/past"], kind="incident")
    for ingest in (partial(base.ingest, [tmp_path / "docs"]), base.refresh, base.refresh):
        ingest()
        assert kinds(base) == {"docs/a.md": "runbook", "docs/past/b.md": "incident"}
    assert held(base) == {("docs", None): 1, ("past", "incident"): 1}


def test_logs_are_taken_in_again_by_whoever_can_read_them(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("app/readme.md", "text\n")
    write("app/app.log", "the disk is full\n")
    base.ingest([tmp_path / "app"])
    base.ingest_from(*list_logs([tmp_path / "app"]))
    both: dict[tuple[str, Kind | None], int] = {("app", None): 1, ("app", "log"): 1}
    assert held(base) == both
    write("app/app.log", "the disk is on fire\n")
    assert counts(base.refresh()) == (0, 0, 1, 0)
    assert counts(base.refresh(list_logs=list_logs)) == (0, 1, 1, 0)
    assert held(base) == both
    (tmp_path / "app/app.log").unlink()
    write("app/other.log", "all is well\n")
    assert counts(base.refresh(list_logs=list_logs)) == (1, 0, 1, 1)
    assert kinds(base) == {"app/other.log": "log", "app/readme.md": "runbook"}


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("lose", "reason"), [(delete, "is not there any more"), (empty, "is empty now")]
)
def test_what_is_held_of_a_root_that_is_gone_stays_until_it_is_forgotten(
    base: KnowledgeBase,
    write: Write,
    tmp_path: Path,
    lose: Callable[[Path], None],
    reason: str,
) -> None:
    write("here/x.md", "text\n")
    for name in ("x.md", "y.md", "app.log"):
        write(f"share/{name}", f"the disk of {name} is full\n")
    base.ingest([tmp_path / "here", tmp_path / "share"])
    base.ingest_from(*list_logs([tmp_path / "share"]))
    lose(tmp_path / "share")
    for _ in range(2):
        report = base.refresh(list_logs=list_logs)
        assert counts(report) == (0, 0, 1, 0)
        documents, logs = report.failed
        assert documents.path == logs.path == tmp_path / "share"
        assert documents.reason == (
            f"{reason}; what is held of it (2 documents) stays"
            f" until: midwatch knowledge forget {tmp_path / 'share'}"
        )
        assert "(1 documents)" in logs.reason
    assert base.search("the disk of y.md is full")[0].path == "share/y.md"
    assert base.forget(tmp_path / "share") == 3
    assert held(base) == {("here", None): 1}
    assert base.refresh().failed == ()


def test_a_root_that_comes_back_is_as_if_it_had_never_been_gone(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("share/x.md", "text\n")
    write("share/y.md", "more\n")
    base.ingest([tmp_path / "share"])
    (tmp_path / "share").rename(tmp_path / "elsewhere")
    base.refresh()
    (tmp_path / "elsewhere").rename(tmp_path / "share")
    (tmp_path / "share/y.md").unlink()
    report = base.refresh()
    assert (counts(report), report.failed) == ((0, 0, 1, 1), ())


def test_a_folder_that_was_emptied_and_is_named_is_taken_at_its_word(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "text\n")
    base.ingest([tmp_path / "docs"])
    empty(tmp_path / "docs")
    assert counts(base.ingest([tmp_path / "docs"])) == (0, 0, 0, 1)
    assert base.refresh().failed == ()


def test_a_root_inside_another_that_is_gone_stays_as_well(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "text\n")
    write("docs/mount/y.md", "more\n")
    base.ingest([tmp_path / "docs", tmp_path / "docs/mount"])
    empty(tmp_path / "docs/mount")
    report = base.refresh()
    assert (counts(report), len(report.failed)) == ((0, 0, 1, 0), 1)
    assert held(base) == {("docs", None): 1, ("mount", None): 1}


def test_a_root_of_which_all_files_have_become_unusable_is_not_gone(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write("docs/x.md", "text\n")
    base.ingest([tmp_path / "docs"])
    write("docs/x.md", b"\0")
    assert [failed.path.name for failed in base.refresh().failed] == ["x.md"]


def test_forgetting_a_part_of_a_root_lasts_until_that_is_refreshed(
    base: KnowledgeBase, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/x.md", "a/y.md", "b/x.md"):
        write(f"docs/{name}", f"text of {name}\n")
    base.ingest([tmp_path / "docs"])
    monkeypatch.chdir(tmp_path / "docs")
    assert base.forget(Path("a")) == 2
    assert list(kinds(base)) == ["docs/b/x.md"]
    assert base.num_chunks == 1
    assert counts(base.refresh()) == (2, 0, 1, 0)


@pytest.mark.parametrize("path", ["never", "doc", "docs/x.md.old"])
def test_forgetting_what_is_not_held_names_what_is(
    base: KnowledgeBase, write: Write, tmp_path: Path, path: str
) -> None:
    with pytest.raises(SourceNotFound):
        base.forget(tmp_path / path)
    write("docs/x.md", "text\n")
    base.ingest([tmp_path / "docs"])
    with pytest.raises(SourceNotFound, match=path) as caught:
        base.forget(tmp_path / path)
    assert str(tmp_path / "docs") in caught.value.hint
    assert base.num_documents == 1


def test_sources_tell_how_much_is_held_and_since_when(base: KnowledgeBase, runbooks: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    base.ingest([runbooks])
    (source,) = base.sources()
    assert (source.path, source.kind, source.is_there) == (runbooks, None, True)
    assert (source.num_documents, source.num_chunks) == (3, 5)
    assert before <= source.ingested_at_utc <= datetime.now(UTC)
    shutil.rmtree(runbooks)
    base.refresh()
    (gone,) = base.sources()
    assert not gone.is_there
    assert gone.ingested_at_utc == source.ingested_at_utc
