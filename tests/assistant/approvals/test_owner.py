"""Which processes live, by the locks that they hold."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from assistant.approvals.owner import FileOwners
from assistant.errors import DataFolderError
from tests.assistant.killing import was_killed
from tests.assistant.places import Place


def test_an_owner_lives_while_it_holds_its_name(place: Place) -> None:
    with place.owners.holding() as one, place.owners.holding() as other:
        assert one != other
        for _ in range(2):
            assert place.owners.is_alive(one)
        place.owners.sweep()
        assert place.owners.is_alive(other)
    place.wait_until_dead(one)
    assert not place.owners.is_alive(one)
    assert place.num_owners() == 0


def test_a_name_that_nobody_holds_is_nobody(place: Place) -> None:
    for name in ("", f"{os.getpid()}-0000", "pg-0000000000000000", "pg-ffffffffffffffff"):
        assert not place.owners.is_alive(name)


def test_a_killed_process_is_gone_and_what_it_left_swept_away(place: Place) -> None:
    name = place.folder / "name"

    def hold() -> None:
        with place.owners.holding() as owner:
            assert place.owners.is_alive(owner)
            name.write_text(owner)
            os.kill(os.getpid(), signal.SIGKILL)

    assert was_killed(hold)
    place.wait_for_the_dead()
    assert not place.owners.is_alive(name.read_text())
    place.owners.sweep()
    assert place.num_owners() == 0


def test_locks_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "session.lock").touch()
    FileOwners(tmp_path).sweep()
    assert (tmp_path / "session.lock").exists()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(DataFolderError, match="locks"), FileOwners(tmp_path / "locks").holding():
        pass
