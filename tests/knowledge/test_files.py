from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge.errors import SourceNotFound
from knowledge.files import list_files

Write = Callable[[str, str | bytes], Path]


def shown(*paths: Path) -> list[str]:
    return [file.display for file in list_files(paths).files]


def test_documents_are_found_below_a_folder_and_shown_from_its_name_on(
    tmp_path: Path, write: Write
) -> None:
    for name in ("b.md", "a/x.MD", "a/y.markdown", "a/z.mdx", "c.rst", "d.txt", "e.py", "f"):
        write(f"docs/{name}", "text")
    assert shown(tmp_path / "docs") == [
        "docs/a/x.MD",
        "docs/a/y.markdown",
        "docs/a/z.mdx",
        "docs/b.md",
        "docs/c.rst",
        "docs/d.txt",
    ]


def test_a_file_named_itself_is_taken_whatever_its_ending(write: Write) -> None:
    assert shown(write("docs/README", "text")) == ["README"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path, write: Write) -> None:
    write("docs/.git/x.md", "text")
    write("docs/.hidden.md", "text")
    write("docs/seen.md", "text")
    assert shown(tmp_path / "docs") == ["docs/seen.md"]


def test_a_hidden_folder_named_itself_is_looked_into(tmp_path: Path, write: Write) -> None:
    write(".notes/x.md", "text")
    assert shown(tmp_path / ".notes") == [".notes/x.md"]


def test_paths_that_overlap_give_each_file_once(tmp_path: Path, write: Write) -> None:
    file = write("docs/a/x.md", "text")
    assert shown(tmp_path / "docs", tmp_path / "docs/a", file) == ["docs/a/x.md"]


def test_link_loops_end_and_files_keep_their_own_names(tmp_path: Path, write: Write) -> None:
    write("docs/real/x.md", "text")
    (tmp_path / "docs/real/up").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/above").symlink_to(tmp_path)
    (tmp_path / "docs/alias").symlink_to(tmp_path / "docs/real")
    (tmp_path / "docs/again.md").symlink_to(tmp_path / "docs/real/x.md")
    write("private/secret.md", "text")
    assert shown(tmp_path / "docs") == ["docs/real/x.md"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path, write: Write) -> None:
    write("elsewhere/x.md", "text")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/link").symlink_to(tmp_path / "elsewhere")
    assert shown(tmp_path / "docs") == ["docs/link/x.md"]


def test_a_root_that_is_a_link_upwards_is_still_looked_into(tmp_path: Path, write: Write) -> None:
    write("docs/x.md", "text")
    (tmp_path / "docs/self").symlink_to(tmp_path / "docs")
    assert shown(tmp_path / "docs/self") == ["self/x.md"]


def test_a_folder_that_cannot_be_read_is_reported_and_the_rest_found(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("docs/locked/x.md", "text")
    write("docs/open/y.md", "text")
    iterdir = Path.iterdir

    def refuse_locked(folder: Path) -> Iterator[Path]:
        if folder.name == "locked":  # mode bits would not stop root
            raise PermissionError(13, "Permission denied")
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", refuse_locked)
    listing = list_files([tmp_path / "docs"])
    assert [file.display for file in listing.files] == ["docs/open/y.md"]
    assert [(failed.path, failed.reason) for failed in listing.failed] == [
        (tmp_path / "docs/locked", "the folder cannot be read: Permission denied")
    ]


def test_a_name_that_is_not_utf8_is_reported_in_printable_form(
    tmp_path: Path, write: Write
) -> None:
    write("docs/x.md", "text")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/docs/caf\xe9.md")).write_text("text")
    listing = list_files([tmp_path / "docs"])
    assert [file.display for file in listing.files] == ["docs/x.md"]
    assert [(failed.path.name, failed.reason) for failed in listing.failed] == [
        ("caf\ufffd.md", "its name is not UTF-8")
    ]


def test_a_missing_path_is_an_error_before_anything_is_read(tmp_path: Path, write: Write) -> None:
    there = write("x.md", "text")
    with pytest.raises(SourceNotFound, match=r"gone: No such file") as caught:
        list_files([there, tmp_path / "gone"])
    assert caught.value.hint


def test_relative_paths_become_absolute(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("docs/x.md", "text")
    monkeypatch.chdir(file.parent)
    listing = list_files([Path()])
    assert [(found.path, found.display) for found in listing.files] == [(file, "docs/x.md")]
