"""What has become of the turns that were begun."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from assistant.errors import SessionError
from assistant.sessions import SessionStore, StoredTurn, journal
from tests.assistant.places import Place
from tools.evidence import Ledger


def lives_nowhere(owner: str) -> bool:
    """Says of everybody that they are not alive."""
    return False


async def state(store: SessionStore, turn: str) -> str | None:
    begun = await store.turn_state(turn)
    return begun and begun.state


async def test_a_turn_runs_until_it_ends(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.begin_turn("t1", "why?\0", None, "me")
        begun = await store.turn_state("t1")
        assert begun is not None
        assert (begun.state, begun.session, begun.owner) == ("running", "", "me")
        assert begun.ended_at_utc is None
        assert begun.question.startswith("why?")
        await store.end_turn("t1", "failed", "model", "there is none", "load one")
    async with place.open_sessions() as store:
        ended = await store.turn_state("t1")
        assert ended is not None
        assert (ended.state, ended.code) == ("failed", "model")
        assert (ended.message, ended.hint) == ("there is none", "load one")
        assert ended.ended_at_utc is not None
        assert ended.ended_at_utc >= ended.begun_at_utc
        assert await store.turn_state("t2") is None


async def test_of_two_who_begin_a_turn_one_does(place: Place) -> None:
    async with place.open_sessions() as one, place.open_sessions() as other:
        begun = await asyncio.gather(
            *(store.begin_turn("t1", "why?", "s1", "me") for store in (one, other) * 5),
            return_exceptions=True,
        )
        assert sum(result is None for result in begun) == 1
        assert sum(isinstance(result, SessionError) for result in begun) == 9


async def test_an_end_is_the_end(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.begin_turn("t1", "why?", None, "me")
        await store.end_turn("t1", "finished")
        await store.end_turn("t1", "failed", "late")
        await store.end_turn("unknown", "failed")
        assert await store.close_lost_turns(lives_nowhere) == ()
        assert await state(store, "t1") == "finished"
        assert await state(store, "unknown") is None


async def test_a_turn_that_is_kept_is_finished(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.begin_turn("t1", "why?", None, "me")
        await store.keep("s1", StoredTurn("why?", "x", id="t1"), Ledger())
        # Its process dies before it says that the turn has ended.
        assert await store.close_lost_turns(lives_nowhere) == ()
        assert await state(store, "t1") == "finished"


async def test_turns_of_the_dead_have_failed(place: Place) -> None:
    async with place.open_sessions() as store:
        for turn, owner in (("t1", "dead"), ("t2", "alive"), ("t3", "dead")):
            await store.begin_turn(turn, "why?", "s1", owner)
        asked = list[str]()

        def is_alive(owner: str) -> bool:
            asked.append(owner)
            return owner == "alive"

        assert sorted(await store.close_lost_turns(is_alive)) == ["t1", "t3"]
        assert sorted(asked) == ["alive", "dead"]
        lost = await store.turn_state("t1")
        assert lost is not None
        assert (lost.state, lost.code, lost.hint) == ("failed", "interrupted", "ask again")
        assert "the server ended" in lost.message
        assert await state(store, "t2") == "running"
        assert await store.close_lost_turns(is_alive) == ()


async def test_what_was_given_up_is_not_kept_afterwards(place: Place) -> None:
    async with place.open_sessions() as store:
        await store.begin_turn("t1", "why?", "s1", "me")
        await store.close_lost_turns(lives_nowhere)
        with pytest.raises(SessionError, match="given up"):
            await store.keep("s1", StoredTurn("why?", "x", id="t1"), Ledger())
        assert await store.find_turn("t1") is None
        assert await store.all() == []


async def test_old_ends_are_forgotten_and_running_turns_never(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.open_sessions() as store:
        monkeypatch.setattr(
            journal, "time_text", lambda at: (datetime.now(UTC) - timedelta(days=8)).isoformat()
        )
        await store.begin_turn("old", "why?", None, "me")
        await store.begin_turn("long", "why?", None, "me")
        await store.end_turn("old", "finished")
        monkeypatch.undo()
        await store.begin_turn("new", "why?", None, "me")
        await store.end_turn("new", "finished")
        await store.close_lost_turns(lambda owner: True)
        states = [await state(store, turn) for turn in ("old", "long", "new")]
        assert states == [None, "running", "finished"]


async def test_owners_tell_whose_turns_are_lost(place: Place) -> None:
    async with place.open_sessions() as store:
        with place.owners.holding() as owner:
            await store.begin_turn("t1", "why?", None, owner)
            assert await store.close_lost_turns(store.owners.is_alive) == ()
        place.wait_until_dead(owner)
        assert await store.close_lost_turns(store.owners.is_alive) == ("t1",)
