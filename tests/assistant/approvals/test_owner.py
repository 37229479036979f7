"""Which processes live, by the locks that they hold."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from assistant.approvals.owner import holding, is_alive, sweep
from assistant.errors import DataFolderError


def test_an_owner_lives_while_it_holds_its_name(tmp_path: Path) -> None:
    with holding(tmp_path / "locks") as one, holding(tmp_path / "locks") as other:
        assert one != other
        for _ in range(2):
            assert is_alive(tmp_path / "locks", one)
        sweep(tmp_path / "locks")
        assert is_alive(tmp_path / "locks", other)
    assert not is_alive(tmp_path / "locks", one)
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_name_that_nobody_holds_is_nobody(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "")
    assert not is_alive(tmp_path, f"{os.getpid()}-0000")


def test_a_killed_process_is_gone_and_its_file_swept_away(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with holding(tmp_path) as owner:
            os.write(writing, owner.encode())
            signal.pause()
        os._exit(1)
    owner = os.read(reading, 100).decode()
    assert is_alive(tmp_path, owner)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert [path.stem for path in tmp_path.iterdir()] == [owner]
    assert not is_alive(tmp_path, owner)
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_locks_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "session.lock").touch()
    sweep(tmp_path)
    assert (tmp_path / "session.lock").exists()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(DataFolderError, match="locks"), holding(tmp_path / "locks"):
        pass
