from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from assistant.errors import DataFolderError, SessionError
from assistant.events import Citation, TurnFinished
from assistant.sessions import SessionStore, StoredTurn, open_sessions
from tools.evidence import Evidence, Finding, Ledger

CITATION = Citation("L1", "log", "db", 7, "no space left on device")

TURN = StoredTurn("why is\n checkout slow?", "Because of **payments** [L1].")
LINE = Finding("log", "pay", "pool exhausted", 7, "3 times", 0.9)
CAPTURE = Finding("capture", "df.txt", "/ 100%")


def ledger_of(*findings: Finding) -> Ledger:
    ledger = Ledger()
    for finding in findings:
        ledger.add(finding)
    return ledger


async def asked(store: SessionStore, *questions: str) -> str:
    session = await store.resolve(None)
    for question in questions:
        await store.keep(session, StoredTurn(question, "x"), Ledger())
    return session


async def test_session_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        session = await store.resolve(None)
        await store.keep(session, TURN, ledger_of(LINE, CAPTURE))
        await store.keep(session, StoredTurn("and now?", "Still."), ledger_of(LINE, CAPTURE))
    async with open_sessions(tmp_path) as store:
        [info] = await store.all()
        assert (info.id, info.title, info.num_turns) == (session, "why is checkout slow?", 2)
        assert info.started_at_utc <= info.updated_at_utc
        assert await store.turns(session) == [TURN, StoredTurn("and now?", "Still.")]
        assert list(await store.ledger(session)) == [Evidence("L1", LINE), Evidence("C1", CAPTURE)]


async def test_ids_go_on_where_they_ended_and_known_evidence_keeps_its_own(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        await store.keep("s", TURN, ledger_of(LINE, CAPTURE))
    async with open_sessions(tmp_path) as store:
        ledger = await store.ledger("s")
        new = Finding("log", "pay", "recovered", 9)
        assert ledger.add(LINE).id == "L1"
        assert ledger.add(new).id == "L2"
        await store.keep("s", TURN, ledger)
        assert [item.id for item in await store.ledger("s")] == ["L1", "C1", "L2"]
        assert list(await store.ledger("another")) == []


async def test_session_is_renamed_and_stays_where_it_was_in_the_list(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        first, second = await asked(store, "one"), await asked(store, "two")
        before = await store.all()
        await store.rename(first, "The first one")
        await store.rename("nowhere", "Nothing")
    async with open_sessions(tmp_path) as store:
        after = await store.all()
        assert [(info.id, info.title) for info in after] == [
            (second, "two"),
            (first, "The first one"),
        ]
        assert [info.updated_at_utc for info in after] == [i.updated_at_utc for i in before]
        await store.keep(first, TURN, Ledger())
        assert (await store.all())[0].title == "The first one"


async def test_new_session_is_kept_only_with_a_turn(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        first, second = await store.resolve(None), await store.resolve(None)
        assert first != second
        assert await store.all() == []


async def test_session_is_found_by_its_beginning(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        for session in ("aa11", "aa22", "bb33"):
            await store.keep(session, TURN, Ledger())
        assert await store.resolve("bb33") == "bb33"
        assert await store.resolve("b") == "bb33"
        with pytest.raises(SessionError, match="2 sessions named 'aa'"):
            await store.resolve("aa")
        for unknown in ("cc", "b%", "11", ""):
            with pytest.raises(SessionError, match="no session named") as caught:
                await store.resolve(unknown)
            assert "sessions list" in caught.value.hint


async def test_last_session_is_the_last_used_not_the_last_begun(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        with pytest.raises(SessionError, match="no session to continue"):
            await store.resolve(None, continue_last=True)
        old = await asked(store, "first")
        await asyncio.sleep(0.005)
        new = await asked(store, "second")
        assert await store.resolve(None, continue_last=True) == new
        await asyncio.sleep(0.005)
        await store.keep(old, TURN, Ledger())
        assert await store.resolve(None, continue_last=True) == old
        assert [info.id for info in await store.all()] == [old, new]


async def test_named_session_wins_over_the_last(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        named = await asked(store, "first")
        await asked(store, "second")
        assert await store.resolve(named, continue_last=True) == named


async def test_cancelled_write_leaves_no_half_for_the_next_one_to_commit(tmp_path: Path) -> None:
    class Unwritable:
        """Ledger whose entries never come: the write is cancelled after its first statements."""

        def __iter__(self) -> Iterator[Evidence]:
            raise asyncio.CancelledError

    async with open_sessions(tmp_path) as store:
        with pytest.raises(asyncio.CancelledError):
            await store.keep("cancelled", TURN, Unwritable())  # type: ignore[arg-type]
        await store.keep("whole", TURN, Ledger())
        assert [info.id for info in await store.all()] == ["whole"]
        assert await store.turns("cancelled") == []


async def test_turns_written_at_once_are_all_whole(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        saver = AsyncSqliteSaver(store.checkpoints)
        writes = [store.keep(f"s{n}", TURN, ledger_of(LINE)) for n in range(5)]
        await asyncio.gather(*writes, *(checkpoint(saver, f"s{n}") for n in range(5)))
        assert [info.num_turns for info in await store.all()] == [1] * 5


async def checkpoint(saver: AsyncSqliteSaver, session: str) -> None:
    config = {"configurable": {"thread_id": session, "checkpoint_ns": ""}}
    await saver.aput(config, empty_checkpoint(), {"source": "input", "step": 1}, {})  # type: ignore[arg-type]


async def test_delete_removes_all_that_belongs_to_the_session_and_no_more(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        saver = AsyncSqliteSaver(store.checkpoints)
        for session in ("gone", "kept"):
            await store.keep(session, TURN, ledger_of(LINE))
            await checkpoint(saver, session)
            with store.lock(session):
                pass
        await store.delete("gone")
        assert [info.id for info in await store.all()] == ["kept"]
        assert await store.turns("gone") == []
        assert len(await store.ledger("gone")) == 0
        assert await saver.aget({"configurable": {"thread_id": "gone"}}) is None
        assert await saver.aget({"configurable": {"thread_id": "kept"}}) is not None
        assert len(await store.ledger("kept")) == 1
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["kept.lock"]


async def test_delete_works_before_any_checkpoint_was_written(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        await store.keep("s", TURN, Ledger())
        await store.delete("s")
        assert await store.all() == []


HOLDER = """
import asyncio, sys
from pathlib import Path
from assistant.sessions import open_sessions

async def hold():
    async with open_sessions(Path(sys.argv[1])) as store:
        with store.lock("busy"):
            print("held", flush=True)
            sys.stdin.read()

asyncio.run(hold())
"""


@contextmanager
def held_by_another_process(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that answers in the session `busy`."""
    command = [sys.executable, "-c", HOLDER, str(data_dir)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


async def test_one_process_at_a_time_answers_in_a_session(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        with held_by_another_process(tmp_path) as holder:
            with (
                pytest.raises(SessionError, match="busy is answering another question") as caught,
                store.lock("busy"),
            ):
                pass
            assert "wait" in caught.value.hint
            with store.lock("other"):
                pass
            # Another process that holds a session must not stop this one from writing.
            await store.keep("other", TURN, Ledger())
            holder.kill()
            holder.wait()
            with store.lock("busy"):
                pass


async def test_two_questions_in_one_process_do_not_share_a_session(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        with store.lock("s"), pytest.raises(SessionError), store.lock("s"):
            pass
        with store.lock("s"):
            pass


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


async def test_a_turn_is_found_by_its_id_with_its_last_event(tmp_path: Path) -> None:
    finished = TurnFinished("s1", "The disk.", "answered", citations=(CITATION,))
    async with open_sessions(tmp_path) as store:
        await store.keep(
            "s1", StoredTurn("why?", "The disk.", id="t1", finished=finished), Ledger()
        )
        await store.keep("s1", StoredTurn("and now?", "Nothing."), Ledger())
        found = await store.find_turn("t1")
        assert found is not None
        assert found.finished == finished
        assert await store.find_turn("t2") is None
        assert await store.find_turn("") is None


async def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    async with open_sessions(tmp_path) as store:
        await store.keep("s1", StoredTurn("why?", "The disk."), Ledger())
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as connection:
        connection.execute("DROP INDEX turns_by_id")
        for column in ("id", "finished"):
            connection.execute(f"ALTER TABLE turns DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    async with open_sessions(tmp_path) as store:
        await store.keep("s1", StoredTurn("and now?", "Nothing.", id="t2"), Ledger())
        assert [turn.id for turn in await store.turns("s1")] == ["", "t2"]
