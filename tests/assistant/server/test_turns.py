from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import ServerBusy, SessionError, TurnNotFound
from assistant.events import Event, TextDelta, TurnFailed, TurnFinished, TurnStarted
from assistant.server.journaling import Journal, open_journal
from assistant.server.turns import NumberedEvent, Patience, RunningTurn, Turns
from assistant.sessions import StoredTurn, open_sessions
from tests.assistant.waiting import until
from tools.evidence import Ledger

IMPATIENT = Patience(alone_s=0.05, ended_s=0.0, silence_s=0.02)
FINISHED = TurnFinished("s1", "The disk.", "answered")


class Script:
    """A turn whose words come when they are let."""

    def __init__(self, *words: str, ends: bool = True) -> None:
        self.words = words
        self.ends = ends
        self.may_go_on = asyncio.Event()
        self.is_closed = False
        self.num_opened = 0

    def open(self) -> AsyncGenerator[Event]:
        self.num_opened += 1
        return self._events()

    async def _events(self) -> AsyncGenerator[Event]:
        try:
            yield TurnStarted("s1", "why?")
            for word in self.words:
                yield TextDelta(word)
                await self.may_go_on.wait()
            if self.ends:
                yield FINISHED
        finally:
            self.is_closed = True


async def heard(turn: RunningTurn, after: int = 0) -> list[NumberedEvent]:
    return [event async for event in turn.listen(after) if event is not None]


async def until_heard(turn: RunningTurn, number: int) -> None:
    async for event in turn.listen():
        if event is not None and event.number == number:
            return


def words_of(events: list[NumberedEvent]) -> str:
    return "".join(json.loads(event.data).get("text", "") for event in events)


async def test_everybody_hears_every_event_once_and_in_order() -> None:
    script = Script("It ", "is ", "the ", "disk.")
    turn = Turns().begin("turn-0001", "ann", script.open)
    listeners = [asyncio.create_task(heard(turn)) for _ in range(5)]
    await until_heard(turn, 2)
    script.may_go_on.set()
    for events in await asyncio.gather(*listeners):
        assert [event.number for event in events] == list(range(1, 7))
        assert words_of(events) == "It is the disk."
        assert [event.is_last for event in events] == [False] * 5 + [True]


@pytest.mark.parametrize("after", [0, 1, 3, 5])
async def test_who_comes_back_hears_the_rest(after: int) -> None:
    script = Script("It ", "is ", "the ", "disk.")
    turn = Turns().begin("turn-0001", "ann", script.open)
    await until_heard(turn, 2)
    script.may_go_on.set()
    whole = await heard(turn)
    assert await heard(turn, after) == whole[after:]


async def test_who_has_all_of_it_hears_nothing_more() -> None:
    script = Script()
    turn = Turns().begin("turn-0001", "ann", script.open)
    await heard(turn)
    assert await heard(turn, 2) == []
    assert await heard(turn, 99) == []


async def test_a_request_that_comes_twice_is_one_turn() -> None:
    script, turns = Script("a"), Turns()
    first = turns.begin("turn-0001", "ann", script.open)
    assert turns.begin("turn-0001", "ann", script.open) is first
    script.may_go_on.set()
    await heard(first)
    assert turns.begin("turn-0001", "ann", script.open) is first
    assert script.num_opened == 1


async def test_nobody_sees_the_turn_of_somebody_else() -> None:
    script, turns = Script("a"), Turns()
    turn = turns.begin("turn-0001", "ann", script.open)
    with pytest.raises(TurnNotFound):
        turns.get("turn-0001", "bob")
    with pytest.raises(TurnNotFound):
        turns.begin("turn-0001", "bob", script.open)
    await turn.cancel()


async def test_a_turn_that_nobody_listens_to_is_cancelled() -> None:
    script = Script("a")
    turn = Turns(IMPATIENT).begin("turn-0001", "ann", script.open)
    await until(lambda: turn.has_ended)
    assert script.is_closed
    assert json.loads((await heard(turn))[-1].data)["code"] == "cancelled"


async def test_a_turn_waits_a_while_for_those_that_lost_the_connection() -> None:
    script = Script("a", "b")
    patience = Patience(alone_s=5.0, silence_s=0.02)
    turn = Turns(patience).begin("turn-0001", "ann", script.open)
    for _ in range(3):
        await until_heard(turn, 2)
    assert not script.is_closed
    script.may_go_on.set()
    assert words_of(await heard(turn)) == "ab"


async def test_silence_is_told() -> None:
    script = Script("a")
    turn = Turns(Patience(silence_s=0.01)).begin("turn-0001", "ann", script.open)
    told = [event async for event in _first(turn.listen(), 4)]
    assert told[2:] == [None, None]
    await turn.cancel()


async def _first(
    events: AsyncGenerator[NumberedEvent | None], count: int
) -> AsyncGenerator[NumberedEvent | None]:
    async for event in events:
        yield event
        count -= 1
        if not count:
            return


async def _breaks(error: Exception) -> AsyncGenerator[Event]:
    yield TurnStarted("s1", "why?")
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [(SessionError("it is gone", "ask anew"), "session"), (ValueError("oh"), "internal")],
)
async def test_a_turn_that_breaks_ends_in_an_event_of_its_session(
    error: Exception, code: str
) -> None:
    turn = Turns().begin("turn-0001", "ann", lambda: _breaks(error))
    last = json.loads((await heard(turn))[-1].data)
    assert (last["event"], last["session"], last["code"]) == ("TurnFailed", "s1", code)


async def test_a_turn_without_an_end_gets_one() -> None:
    turn = Turns().begin("turn-0001", "ann", Script(ends=False).open)
    assert (await heard(turn))[-1].name == "TurnFailed"


async def test_no_more_than_so_many_run() -> None:
    turns, script = Turns(max_running=2), Script("a")
    running = [turns.begin(f"turn-{n:04}", "ann", script.open) for n in range(2)]
    with pytest.raises(ServerBusy):
        turns.begin("turn-0009", "ann", script.open)
    await running[0].cancel()
    running.append(turns.begin("turn-0010", "ann", script.open))
    for turn in running:
        await turn.cancel()


async def test_ended_turns_are_forgotten_after_a_while() -> None:
    turns = Turns(IMPATIENT)
    for number in range(20):
        await heard(turns.begin(f"turn-{number:04}", "ann", Script().open))
    assert len(turns._turns) <= 2


async def _drain(turns: Turns, script: Script, *, in_time: bool) -> list[NumberedEvent]:
    turn = turns.begin("turn-0001", "ann", script.open)
    hearing = asyncio.create_task(heard(turn))
    await until_heard(turn, 2)
    draining = asyncio.create_task(turns.drain(5.0 if in_time else 0.01))
    await until(lambda: turns.is_draining)
    with pytest.raises(ServerBusy):
        turns.begin("turn-0002", "ann", script.open)
    if in_time:
        script.may_go_on.set()
    await draining
    return await hearing


@pytest.mark.parametrize(("in_time", "last"), [(True, "TurnFinished"), (False, "TurnFailed")])
async def test_at_the_end_turns_may_end(in_time: bool, last: str) -> None:
    events = await _drain(Turns(), Script("a", "b"), in_time=in_time)
    assert events[-1].name == last


async def noted(journal: Journal, turn: str, events: AsyncGenerator[Event]) -> list[Event]:
    noting = journal.noting(turn, "why?", None, events)
    async with aclosing(noting):
        return [event async for event in noting]


async def test_the_journal_knows_how_turns_ended_that_nobody_remembers(tmp_path: Path) -> None:
    script = Script()
    async with open_sessions(tmp_path) as store, open_journal(store) as journal:
        with pytest.raises(TurnNotFound):
            await journal.ending("ann/turn-0001")
        await noted(journal, "ann/turn-0001", script.open())
        kept = StoredTurn("why?", "a", id="ann/turn-0001", finished=FINISHED)
        await store.keep("s1", kept, Ledger())
        assert await journal.ending("ann/turn-0001") == FINISHED
        with pytest.raises(SessionError, match="begun already"):
            await noted(journal, "ann/turn-0001", script.open())
        failed = TurnFailed("s1", "model", "there is none", "pull one")
        await noted(journal, "ann/turn-0002", _only(failed))
        assert await journal.ending("ann/turn-0002") == replace(failed, session="")


async def _only(event: Event) -> AsyncGenerator[Event]:
    yield event


async def test_a_turn_that_is_cancelled_has_failed_in_the_journal(tmp_path: Path) -> None:
    script = Script("a")
    async with open_sessions(tmp_path) as store, open_journal(store) as journal:
        turns = Turns()
        turn = turns.begin(
            "turn-0001", "ann", lambda: journal.noting("ann/t", "why?", None, script.open())
        )
        await until_heard(turn, 2)
        with pytest.raises(ServerBusy):
            await journal.ending("ann/t")
        await turn.cancel()
        ended = await journal.ending("ann/t")
    assert isinstance(ended, TurnFailed)
    assert ended.code == "cancelled"
    assert script.is_closed
