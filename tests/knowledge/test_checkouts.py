from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.checkouts import ignored_below, is_ignored, is_in_checkout

Write = Callable[[str, str | bytes], Path]


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, whatever the settings of whoever runs the tests."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", *person, "-C", str(folder), *arguments]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path, write: Write) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet")
    write("repo/.gitignore", "build/\n*.gen.md\n")
    write("repo/docs/a.md", "text")
    write("repo/docs/b.gen.md", "text")
    write("repo/build/deep/c.md", "text")
    return folder


def below(folder: Path) -> set[str]:
    return {os.path.relpath(path, folder) for path in ignored_below(folder)}


def test_what_git_ignores_is_known_and_whole_folders_by_their_name(checkout: Path) -> None:
    assert below(checkout) == {"build", "docs/b.gen.md"}


def test_a_folder_inside_a_checkout_is_judged_by_the_rules_above_it(checkout: Path) -> None:
    assert below(checkout / "docs") == {"b.gen.md"}


def test_what_is_tracked_is_never_ignored(checkout: Path, write: Write) -> None:
    write("repo/build/kept.md", "text")
    git(checkout, "add", "--force", "build/kept.md")
    assert below(checkout) == {"build/deep", "docs/b.gen.md"}


def test_names_are_taken_as_they_are(checkout: Path) -> None:
    names = {"line\nbreak.gen.md", '"quoted" é.gen.md', os.fsdecode(b"caf\xe9.gen.md")}
    for name in names:
        (checkout / name).write_text("text")
    assert below(checkout) == names | {"build", "docs/b.gen.md"}


@pytest.mark.parametrize(
    ("folder", "is_it"), [("", False), ("docs", False), ("build", True), ("build/deep", True)]
)
def test_an_ignored_folder_is_told_apart(checkout: Path, folder: str, is_it: bool) -> None:
    assert is_ignored(checkout / folder) is is_it
    assert is_in_checkout(checkout / folder)


def test_nothing_is_ignored_outside_checkouts(tmp_path: Path) -> None:
    assert not is_in_checkout(tmp_path)
    assert not is_ignored(tmp_path)
    assert below(tmp_path) == set()


def test_a_broken_checkout_is_none(checkout: Path) -> None:
    (checkout / ".git/HEAD").write_text("nonsense")
    assert below(checkout) == set()


def test_without_git_nothing_is_ignored(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert below(checkout) == set()
    assert not is_ignored(checkout)


def test_variables_that_point_git_elsewhere_do_not_count(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "gone"))
    assert below(checkout) == {"build", "docs/b.gen.md"}


def test_git_that_hangs_is_ended_with_all_that_it_started(
    checkout: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "alive")
    program = write("bin/git", f"#!/bin/sh\nsleep 600 > {tmp_path}/alive\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr("knowledge.checkouts._TIMEOUT_S", 1.0)
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    assert below(checkout) == set()
    os.set_blocking(alive, True)
    assert os.read(alive, 1) == b""  # comes when the last writer has ended
    os.close(alive)


@pytest.fixture
def hostile(checkout: Path, write: Write) -> Path:
    """A checkout whose configuration names a program wherever git would run one for a question.

    One of its `.gitignore` files is only in the index, and the object missing, as in a partial
    clone: git fetches it, which is one more way to run a program.
    """
    program = write("evil", '#!/bin/sh\necho "$0 $*" >> "$(dirname "$0")/ran"\n')
    program.chmod(0o755)
    write("repo/docs/.gitignore", "*.tmp\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "x")
    git(checkout, "update-index", "--skip-worktree", "docs/.gitignore")
    name = git(checkout, "ls-files", "--stage", "docs/.gitignore").split()[1]
    (checkout / ".git/objects" / name[:2] / name[2:]).unlink()
    (checkout / "docs/.gitignore").unlink()
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc"):
        (checkout / ".git/hooks" / hook).symlink_to(program)
    for setting in (
        "core.fsmonitor",
        "core.pager",
        "pager.ls-files",
        "core.sshCommand",
        "core.gitProxy",
        "core.askPass",
        "core.alternateRefsCommand",
        "remote.origin.uploadpack",
        "filter.x.clean",
    ):
        git(checkout, "config", setting, str(program))
    git(checkout, "config", "core.repositoryFormatVersion", "1")
    git(checkout, "config", "extensions.partialClone", "origin")
    return checkout


@pytest.mark.parametrize("url", ["..", "ssh://host/x", "ext::{} x", "git://127.0.0.1:1/x"])
def test_a_checkout_cannot_make_git_run_a_program(hostile: Path, tmp_path: Path, url: str) -> None:
    url = url.format(tmp_path / "evil")
    git(hostile, "config", "remote.origin.url", url)
    (tmp_path / "ran").unlink(missing_ok=True)
    ignored_below(hostile)
    is_ignored(hostile / "docs")
    assert not (tmp_path / "ran").exists()


def test_the_hostile_checkout_would_run_a_program_if_it_could(
    hostile: Path, tmp_path: Path
) -> None:
    (tmp_path / "ran").unlink(missing_ok=True)
    git(hostile, "config", "remote.origin.url", "..")
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(hostile), "ls-files"]
    subprocess.run(
        [*command, "--others", "--ignored", "--exclude-standard"], capture_output=True, check=False
    )
    assert "ran" in os.listdir(tmp_path)  # noqa: PTH208 - by its name
