from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.coding.writing import write_code


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_program_may_be_run_and_text_may_not(tmp_path: Path) -> None:
    write_code(tmp_path / "a.sh", "#!/bin/sh\n", is_executable=True, may_replace=False)
    write_code(tmp_path / "a.sql", "SELECT 1;\n", is_executable=False, may_replace=False)
    assert mode(tmp_path / "a.sh") == 0o755
    assert mode(tmp_path / "a.sql") == 0o644
    assert (tmp_path / "a.sh").read_bytes() == b"#!/bin/sh\n"


def test_the_umask_is_kept(tmp_path: Path) -> None:
    os.umask(0o077)
    write_code(tmp_path / "a.sh", "x\n", is_executable=True, may_replace=False)
    assert mode(tmp_path / "a.sh") == 0o700
    assert os.umask(0o077) == 0o077


def test_nothing_is_overwritten_by_accident(tmp_path: Path) -> None:
    path = tmp_path / "a.sh"
    path.write_text("old\n")
    with pytest.raises(FileExistsError):
        write_code(path, "new\n", is_executable=False, may_replace=False)
    assert path.read_text() == "old\n"
    write_code(path, "new\n", is_executable=False, may_replace=True)
    assert path.read_text() == "new\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(FileExistsError):
        write_code(link, "new\n", is_executable=False, may_replace=False)
    assert not target.exists()
    write_code(link, "new\n", is_executable=False, may_replace=True)
    assert not link.is_symlink()
    assert not target.exists()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        write_code(tmp_path / "a", "x\n", is_executable=False, may_replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_its_folder_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_code(tmp_path / "no" / "a", "x\n", is_executable=False, may_replace=True)
