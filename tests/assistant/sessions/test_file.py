"""The file: who may read it, and what it does not accept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assistant.errors import DataFolderError
from assistant.sessions import StoredTurn, open_sessions
from tools.evidence import Ledger


async def test_data_folder_is_for_this_user_only(tmp_path: Path) -> None:
    async with open_sessions(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


def _folder_is_a_file(data_dir: Path) -> None:
    data_dir.write_text("x")


def _folder_is_below_a_file(data_dir: Path) -> None:
    data_dir.parent.rmdir()
    data_dir.parent.write_text("x")


def _database_is_a_folder(data_dir: Path) -> None:
    (data_dir / "sessions.db").mkdir(parents=True)


def _database_is_no_database(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "sessions.db").write_bytes(b"not a database at all\n" * 100)


@pytest.mark.parametrize(
    "spoil",
    [_folder_is_a_file, _folder_is_below_a_file, _database_is_a_folder, _database_is_no_database],
)
async def test_unusable_data_folder_is_one_clear_error(tmp_path: Path, spoil: object) -> None:
    data_dir = tmp_path / "parent" / "data"
    data_dir.parent.mkdir()
    assert callable(spoil)
    spoil(data_dir)
    with pytest.raises(DataFolderError, match=str(data_dir)) as caught:
        async with open_sessions(data_dir):
            pass
    assert "[data] dir" in caught.value.hint


async def test_database_damaged_later_is_the_same_error(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        for number in range(40):
            await store.keep(f"s{number}", StoredTurn("q" * 2000, "a"), Ledger())
    database = tmp_path / "sessions.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DataFolderError, match="cannot be used"):
        async with open_sessions(tmp_path) as store:
            await store.all()


async def test_file_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "sessions.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE turns (session TEXT, number INTEGER)")
        connection.execute("INSERT INTO turns VALUES ('a', 1)")
        connection.commit()
    with pytest.raises(DataFolderError, match="another version"):
        async with open_sessions(tmp_path):
            pytest.fail("opened")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT * FROM turns").fetchall() == [("a", 1)]


async def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        await store.keep("s1", StoredTurn("why?", "The disk."), Ledger())
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as connection:
        connection.execute("DROP INDEX turns_by_id")
        for column in ("id", "finished"):
            connection.execute(f"ALTER TABLE turns DROP COLUMN {column}")
        connection.execute("DROP TABLE begun_turns")
        connection.execute("ALTER TABLE sessions DROP COLUMN checkpoint_id")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    async with open_sessions(tmp_path) as store:
        await store.keep("s1", StoredTurn("and now?", "Nothing.", id="t2"), Ledger())
        assert [turn.id for turn in await store.turns("s1")] == ["", "t2"]


async def test_of_a_deleted_session_not_even_a_file_is_left(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        for session in ("gone", "kept"):
            async with store.held(session):
                await store.keep(session, StoredTurn("why?", "x"), Ledger())
        await store.delete("gone")
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["kept.lock"]
