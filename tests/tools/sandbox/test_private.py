from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tools.errors import InvalidQuery
from tools.sandbox import private_folder


def test_it_is_private_and_holds_copies(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("1")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "link").symlink_to("/etc/passwd")
    with private_folder([tmp_path / "a.log", tmp_path / "dir"], tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "a.log").write_text("2")
        assert (folder / "dir" / "link").is_symlink()
    assert (tmp_path / "a.log").read_text() == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "dir"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidQuery, match="same name"), private_folder([tmp_path, tmp_path]):
        pytest.fail("not reached")


def test_it_is_removed_when_a_copy_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), private_folder([tmp_path / "none"], tmp_path):
        pytest.fail("not reached")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_and_very_deep_folder_is_removed(users_folder: Path) -> None:
    outside = users_folder / "outside"
    outside.write_text("kept")
    with private_folder(parent=users_folder) as folder:
        (folder / ".removing-0").mkdir()
        (folder / "link").symlink_to(outside)
        (folder / "away").symlink_to(users_folder)
        inner = os.open(folder, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("a" * 20, dir_fd=inner)
            below = os.open("a" * 20, os.O_RDONLY, dir_fd=inner)
            os.symlink(outside, "inner", dir_fd=inner)
            os.fchmod(inner, 0)
            os.close(inner)
            inner = below
        os.close(inner)
    assert outside.read_text() == "kept"
    assert list(users_folder.iterdir()) == [outside]
