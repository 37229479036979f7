from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.archives import read_member
from knowledge.errors import SourceNotFound
from knowledge.files import list_files, walk

Write = Callable[[str, str | bytes], Path]


def shown(*paths: Path) -> list[str]:
    return [file.display for file in list_files(paths).files]


def test_documents_are_found_below_a_folder_and_shown_from_its_name_on(
    tmp_path: Path, write: Write
) -> None:
    wanted = ["a.b/x.MD", "a.b/y.markdown", "a.b/z.mdx", "b.md", "c.rst", "d.txt", "e.adoc"]
    wanted += ["f.asciidoc", "g.html", "h.HTM", "i.pdf", "j.docx", "k.ipynb", "l.yaml", "m.yml"]
    for name in (*wanted, "e.py", "f", "a.b/md", "x.md.bak"):
        write(f"docs/{name}", "text")
    assert shown(tmp_path / "docs") == [f"docs/{name}" for name in wanted]


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


def test_folders_of_installed_code_are_left_out(tmp_path: Path, write: Write) -> None:
    for folder in ("node_modules/x", "a/venv/lib", "a/__pycache__", "a"):
        write(f"docs/{folder}/x.md", "text")
    assert shown(tmp_path / "docs") == ["docs/a/x.md"]
    assert shown(tmp_path / "docs/node_modules") == ["node_modules/x/x.md"]


def test_folders_may_nest_deeper_than_calls(tmp_path: Path) -> None:
    deepest = f"{tmp_path}/docs" + "/d" * sys.getrecursionlimit()
    subprocess.run(["mkdir", "-p", deepest], check=True)
    Path(deepest, "x.md").write_text("text")
    try:
        assert [str(file.path) for file in list_files([tmp_path / "docs"]).files] == [
            f"{deepest}/x.md"
        ]
    finally:  # pytest clears up by calls, and could not
        subprocess.run(["rm", "-r", tmp_path / "docs"], check=True)


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


def test_a_folder_that_cannot_be_read_is_reported_and_the_rest_found(users_folder: Path) -> None:
    locked = users_folder / "docs/locked"
    locked.mkdir(parents=True)
    (users_folder / "docs/open.md").write_text("text")
    locked.chmod(0)
    listing = list_files([users_folder / "docs"])
    assert [file.display for file in listing.files] == ["docs/open.md"]
    assert [(failed.path, failed.reason) for failed in listing.failed] == [
        (locked, "the folder cannot be read: Permission denied")
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


def test_links_that_lead_nowhere_are_taken_for_files(tmp_path: Path, write: Write) -> None:
    write("docs/x.md", "text")
    (tmp_path / "docs/itself.md").symlink_to("itself.md")
    (tmp_path / "docs/gone.md").symlink_to("nowhere.md")
    (tmp_path / "docs/gone").symlink_to("nowhere")
    assert shown(tmp_path / "docs") == ["docs/x.md", "docs/gone.md", "docs/itself.md"]


def test_relative_paths_become_absolute(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("docs/x.md", "text")
    monkeypatch.chdir(file.parent)
    listing = list_files([Path()])
    assert [(found.path, found.display) for found in listing.files] == [(file, "docs/x.md")]


@pytest.fixture
def repo(tmp_path: Path, write: Write) -> Path:
    """A checkout, with another in it, where all is named for what git thinks of it."""
    for folder in (".", "inner"):
        write(f"repo/{folder}/.gitignore", "build/\nignored*\n")
        write(f"repo/{folder}/build/ignored.md", "text")
        write(f"repo/{folder}/docs/ignored.md", "text")
        write(f"repo/{folder}/docs/seen.md", "text")
        git(tmp_path / "repo" / folder, "init", "--quiet")
    write("repo/build/tracked.md", "text")
    git(tmp_path / "repo", "add", "--force", "build/tracked.md")
    return tmp_path / "repo"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def test_what_git_ignores_is_left_out(repo: Path) -> None:
    assert shown(repo) == [
        "repo/build/tracked.md",
        "repo/docs/seen.md",
        "repo/inner/docs/seen.md",
    ]


def test_the_rules_of_a_checkout_hold_for_a_folder_in_it(repo: Path, tmp_path: Path) -> None:
    assert shown(repo / "docs") == ["docs/seen.md"]
    (tmp_path / "link").symlink_to(repo / "docs")
    assert shown(tmp_path / "link") == ["link/seen.md"]


def test_a_checkout_below_a_folder_is_seen_as_one(repo: Path) -> None:
    assert "docs/ignored.md" not in "".join(shown(repo.parent))
    assert f"{repo.parent.name}/repo/docs/seen.md" in shown(repo.parent)


def test_an_ignored_folder_or_file_named_itself_is_taken(repo: Path) -> None:
    assert shown(repo / "build") == ["build/ignored.md", "build/tracked.md"]
    assert shown(repo / "docs/ignored.md") == ["ignored.md"]


def test_without_git_a_checkout_is_a_folder(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "repo/docs/ignored.md" in shown(repo)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "text")
    return buffer.getvalue()


def test_the_documents_in_an_archive_are_documents_of_its_folder(
    tmp_path: Path, write: Write
) -> None:
    archive = write("docs/export.ZIP", zipped("Space/Page one.html", "a.MD", "x.png"))
    write("docs/x.md", "text")
    listing = list_files([tmp_path / "docs"])
    assert [(file.path, file.display, file.archive) for file in listing.files] == [
        (archive / "Space/Page one.html", "docs/export.ZIP/Space/Page one.html", archive),
        (archive / "a.MD", "docs/export.ZIP/a.MD", archive),
        (tmp_path / "docs/x.md", "docs/x.md", None),
    ]
    assert [file.member for file in listing.files] == ["Space/Page one.html", "a.MD", "x.md"]
    assert [read_member(archive, file.member, 10) for file in listing.files[:2]] == [b"text"] * 2
    assert shown(archive) == ["export.ZIP/Space/Page one.html", "export.ZIP/a.MD"]


def test_hidden_members_and_those_of_installed_code_are_left_out(write: Write) -> None:
    names = ("..", ".x.md", ".git/x.md", "__MACOSX/._x.md", "node_modules/x.md", "a/__MACOSX/x.md")
    listing = list_files([write("export.zip", zipped("x.md", *names))])
    assert [file.display for file in listing.files] == ["export.zip/x.md"]
    assert listing.failed == ()


def test_a_member_that_is_refused_is_reported_below_its_archive(write: Write) -> None:
    archive = write("docs/export.zip", zipped("/etc/x.md", "../../y.md", "z.md"))
    listing = list_files([archive])
    assert [file.display for file in listing.files] == ["export.zip/z.md"]
    assert [(str(failed.path), failed.reason) for failed in listing.failed] == [
        (f"{archive}/../../y.md", "its name leads out of the archive"),
        (f"{archive}/etc/x.md", "its name is an absolute path"),
    ]


def test_a_broken_archive_is_reported_and_the_rest_found(tmp_path: Path, write: Write) -> None:
    archive = write("docs/export.zip", zipped("x.md")[:-5])
    write("docs/x.md", "text")
    listing = list_files([tmp_path / "docs"])
    assert [file.display for file in listing.files] == ["docs/x.md"]
    assert [(failed.path, failed.reason) for failed in listing.failed] == [
        (archive, "a broken zip archive: File is not a zip file")
    ]


def test_a_walk_leaves_archives_closed_and_takes_a_missing_root_for_a_file(
    tmp_path: Path, write: Write
) -> None:
    archive = write("docs/export.zip", "no archive")
    file = write("docs/x.md", "text")
    assert list(walk([tmp_path / "docs", tmp_path / "gone"])) == [
        archive,
        file,
        tmp_path / "gone",
    ]
