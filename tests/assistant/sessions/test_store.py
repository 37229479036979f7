"""What is kept of conversations: the same in a data folder and in a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from assistant.agent.saver import open_saver
from assistant.errors import SessionError
from assistant.events import Citation, TurnFinished
from assistant.sessions import SessionStore, StoredTurn
from tests.assistant.places import Place
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


async def test_session_outlives_the_process_that_made_it(place: Place) -> None:
    async with place.open_sessions() as store:
        session = await store.resolve(None)
        await store.keep(session, TURN, ledger_of(LINE, CAPTURE))
        await store.keep(session, StoredTurn("and now?", "Still."), ledger_of(LINE, CAPTURE))
    async with place.open_sessions() as store:
        [info] = await store.all()
        assert (info.id, info.title, info.num_turns) == (session, "why is checkout slow?", 2)
        assert info.started_at_utc <= info.updated_at_utc
        assert await store.turns(session) == [TURN, StoredTurn("and now?", "Still.")]
        assert list(await store.ledger(session)) == [Evidence("L1", LINE), Evidence("C1", CAPTURE)]


async def test_ids_go_on_where_they_ended_and_known_evidence_keeps_its_own(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.keep("s", TURN, ledger_of(LINE, CAPTURE))
    async with place.open_sessions() as store:
        ledger = await store.ledger("s")
        new = Finding("log", "pay", "recovered", 9)
        assert ledger.add(LINE).id == "L1"
        assert ledger.add(new).id == "L2"
        await store.keep("s", TURN, ledger)
        assert [item.id for item in await store.ledger("s")] == ["L1", "C1", "L2"]
        assert list(await store.ledger("another")) == []


async def test_session_is_renamed_and_stays_where_it_was_in_the_list(place: Place) -> None:
    async with place.open_sessions() as store:
        first, second = await asked(store, "one"), await asked(store, "two")
        before = await store.all()
        await store.rename(first, "The first one")
        await store.rename("nowhere", "Nothing")
    async with place.open_sessions() as store:
        after = await store.all()
        assert [(info.id, info.title) for info in after] == [
            (second, "two"),
            (first, "The first one"),
        ]
        assert [info.updated_at_utc for info in after] == [i.updated_at_utc for i in before]
        await store.keep(first, TURN, Ledger())
        assert (await store.all())[0].title == "The first one"


async def test_new_session_is_kept_only_with_a_turn(place: Place) -> None:
    async with place.open_sessions() as store:
        first, second = await store.resolve(None), await store.resolve(None)
        assert first != second
        assert await store.all() == []


async def test_session_is_found_by_its_beginning(place: Place) -> None:
    async with place.open_sessions() as store:
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


async def test_last_session_is_the_last_used_not_the_last_begun(place: Place) -> None:
    async with place.open_sessions() as store:
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


async def test_named_session_wins_over_the_last(place: Place) -> None:
    async with place.open_sessions() as store:
        named = await asked(store, "first")
        await asked(store, "second")
        assert await store.resolve(named, continue_last=True) == named


async def test_cancelled_write_leaves_no_half_for_the_next_one_to_commit(place: Place) -> None:
    class Unwritable:
        """Ledger whose entries never come: the write is cancelled after its first statements."""

        def __iter__(self) -> Iterator[Evidence]:
            raise asyncio.CancelledError

    async with place.open_sessions() as store:
        with pytest.raises(asyncio.CancelledError):
            await store.keep("cancelled", TURN, Unwritable())  # type: ignore[arg-type]
        await store.keep("whole", TURN, Ledger())
        assert [info.id for info in await store.all()] == ["whole"]
        assert await store.turns("cancelled") == []


async def test_turns_written_at_once_are_all_whole(place: Place) -> None:
    async with place.open_sessions() as store:
        saver = await open_saver(store)
        writes = [store.keep(f"s{n}", TURN, ledger_of(LINE)) for n in range(5)]
        await asyncio.gather(*writes, *(checkpoint(saver, f"s{n}") for n in range(5)))
        assert [info.num_turns for info in await store.all()] == [1] * 5


async def checkpoint(saver: Any, session: str) -> None:
    config = {"configurable": {"thread_id": session, "checkpoint_ns": ""}}
    await saver.aput(config, empty_checkpoint(), {"source": "input", "step": 1}, {})


async def test_delete_removes_all_that_belongs_to_the_session_and_no_more(place: Place) -> None:
    async with place.open_sessions() as store:
        saver = await open_saver(store)
        for session in ("gone", "kept"):
            await store.keep(session, TURN, ledger_of(LINE))
            await checkpoint(saver, session)
            async with store.held(session):
                pass
        await store.delete("gone")
        assert [info.id for info in await store.all()] == ["kept"]
        assert await store.turns("gone") == []
        assert len(await store.ledger("gone")) == 0
        assert await saver.aget({"configurable": {"thread_id": "gone"}}) is None
        assert await saver.aget({"configurable": {"thread_id": "kept"}}) is not None
        assert len(await store.ledger("kept")) == 1


async def test_delete_works_before_any_checkpoint_was_written(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.keep("s", TURN, Ledger())
        await store.delete("s")
        assert await store.all() == []


async def test_a_turn_is_found_by_its_id_with_its_last_event(place: Place) -> None:
    finished = TurnFinished("s1", "The disk.", "answered", citations=(CITATION,))
    async with place.open_sessions() as store:
        await store.keep(
            "s1", StoredTurn("why?", "The disk.", id="t1", finished=finished), Ledger()
        )
        await store.keep("s1", StoredTurn("and now?", "Nothing."), Ledger())
        found = await store.find_turn("t1")
        assert found is not None
        assert found.finished == finished
        assert await store.find_turn("t2") is None
        assert await store.find_turn("") is None
