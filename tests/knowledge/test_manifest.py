from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from knowledge.errors import StoreUnavailable
from knowledge.files import SourceFile
from knowledge.manifest import Entry, Manifest


def entry(name: str, digest: str = "d1", chunks: int = 3) -> Entry:
    return Entry(SourceFile(Path("/docs") / name, f"docs/{name}"), digest, chunks)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(tmp_path / "documents.sqlite3")


def test_reading_a_list_that_is_not_there_makes_no_file(manifest: Manifest) -> None:
    assert manifest.current() == {}
    assert manifest.current_among([1]) == {}
    assert manifest.unfinished() == []
    assert manifest.totals() == (0, 0)
    assert not manifest.path.exists()


def test_a_version_counts_once_it_is_published(manifest: Manifest) -> None:
    versions = manifest.begin([entry("a.md"), entry("b.md", chunks=4)])
    assert (manifest.current(), manifest.unfinished()) == ({}, versions)
    manifest.publish(versions)
    a, b = versions
    assert manifest.current() == {a: entry("a.md"), b: entry("b.md", chunks=4)}
    assert (manifest.unfinished(), manifest.totals()) == ([], (2, 7))


def test_publishing_replaces_the_older_version_of_the_path(manifest: Manifest) -> None:
    (old, other) = manifest.begin([entry("a.md"), entry("b.md")])
    manifest.publish([old, other])
    (new,) = manifest.begin([entry("a.md", "d2")])
    assert manifest.current()[old].digest == "d1"
    manifest.publish([new])
    assert manifest.current() == {new: entry("a.md", "d2"), other: entry("b.md")}
    assert manifest.unfinished() == [old]


def test_publishing_is_all_or_nothing(manifest: Manifest) -> None:
    (old,) = manifest.begin([entry("a.md")])
    manifest.publish([old])
    new = manifest.begin([entry("a.md", "d2"), entry("b.md"), entry("b.md")])
    with pytest.raises(StoreUnavailable):  # b.md cannot have two current versions
        manifest.publish(new)
    assert list(manifest.current()) == [old]
    assert manifest.unfinished() == new


def test_retired_versions_are_forgotten_when_swept(manifest: Manifest) -> None:
    a, b = manifest.begin([entry("a.md"), entry("b.md")])
    manifest.publish([a, b])
    manifest.retire([a])
    assert (list(manifest.current()), manifest.unfinished()) == ([b], [a])
    manifest.forget([a])
    assert manifest.unfinished() == []


def test_version_numbers_are_never_used_again(manifest: Manifest) -> None:
    first = manifest.begin([entry("a.md")])
    manifest.forget(first)
    assert manifest.begin([entry("a.md")]) != first


def test_current_among_tells_which_versions_count(manifest: Manifest) -> None:
    a, b, c = manifest.begin([entry("a.md"), entry("b.md"), entry("c.md")])
    manifest.publish([a, b])
    assert list(manifest.current_among([b, c, 99])) == [b]
    assert manifest.current_among([]) == {}


def test_a_document_can_be_shown_under_another_path(manifest: Manifest) -> None:
    (version,) = manifest.begin([entry("a.md")])
    manifest.publish([version])
    manifest.relabel(version, "all/docs/a.md")
    assert manifest.current()[version].file.display == "all/docs/a.md"


def test_a_list_of_another_format_is_refused(manifest: Manifest) -> None:
    manifest.begin([entry("a.md")])
    with closing(sqlite3.connect(manifest.path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="format 99") as caught:
        manifest.current()
    assert str(manifest.path.parent) in caught.value.hint


def test_a_damaged_list_is_refused(manifest: Manifest) -> None:
    manifest.path.write_text("no database " * 100)
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        manifest.totals()
