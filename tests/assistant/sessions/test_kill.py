"""kill -9 in the middle of turns: each is kept and finished, or has failed and left nothing."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import empty_checkpoint

from assistant import sessions
from assistant.agent.saver import open_saver
from assistant.sessions import SessionStore, StoredTurn
from tests.assistant.approvals.scene import append_line
from tests.assistant.killing import Fuse, was_killed
from tests.assistant.places import FilePlace, Place, PostgresPlace
from tools.evidence import Finding

COUNTED = {
    f"{sessions.__path__[0]}/{name}.py"
    for name in ("checkpoints", "file", "journal", "leases", "locks", "postgres", "store")
}
# A database of its own takes its time to begin and to end.
EACH_LINE = {FilePlace: 2, PostgresPlace: 8}
NUM_TURNS = 20
NUM_KILLS = 5


async def answer(store: SessionStore, saver: Any, session: str, turn: str, owner: str) -> None:
    """A turn, as a server carries it out; the checkpoint tells whose it is."""
    await store.begin_turn(turn, "why?", session, owner)
    async with store.answering(session):
        await checkpoint(saver, session, turn)
        ledger = await store.ledger(session)
        ledger.add(Finding("log", session, turn))
        await store.keep(session, StoredTurn("why?", turn, id=turn), ledger)
    await store.end_turn(turn, "finished")


async def checkpoint(saver: Any, session: str, turn: str) -> None:
    config = {"configurable": {"thread_id": session, "checkpoint_ns": ""}}
    stored = {**empty_checkpoint(), "channel_values": {"draft": [turn]}}
    stored["channel_versions"] = {"draft": turn}
    metadata = {"source": "input", "step": 1}
    await saver.aput(config, stored, metadata, {"draft": turn})


async def last_checkpoint(saver: Any, session: str) -> list[str]:
    stored = await saver.aget({"configurable": {"thread_id": session}})
    return stored["channel_values"]["draft"] if stored else []


async def check(place: Place, turns: Iterable[Sequence[str]]) -> set[tuple[str | None, bool]]:
    """After the next start: what became of each of `turns` (session and id), and was it kept."""
    seen = set()
    async with place.open_sessions() as store:
        saver = await open_saver(store)
        await store.close_lost_turns(store.owners.is_alive)
        for session, turn in turns:
            begun, kept = await store.turn_state(turn), await store.find_turn(turn)
            state = begun.state if begun else None
            assert state in (None, "finished", "failed")
            assert (kept is not None) == (state == "finished")
            seen.add((state, kept is not None))
            # Nobody holds the session, and it goes on from what was kept.
            async with store.answering(session):
                answers = [one.answer for one in await store.turns(session)]
                assert await last_checkpoint(saver, session) == answers[-1:]
        for info in await store.all():
            answers = [one.answer for one in await store.turns(info.id)]
            assert info.num_turns == len(answers) == len(await store.ledger(info.id))
    return seen


def test_killed_at_every_line_of_a_turn(quick_place: Place) -> None:
    async def work(place: Place, fuse: Fuse) -> None:
        async with place.open_sessions() as store:
            saver = await open_saver(store)
            with place.owners.holding() as owner:
                await answer(store, saver, "s1", "first", owner)
                sys.settrace(fuse)
                await answer(store, saver, "s1", "second", owner)
                sys.settrace(None)
                (place.folder / "lines").write_text(str(fuse.num_lines))

    def run(place: Place, line: int) -> None:
        asyncio.run(work(place, Fuse(line, COUNTED)))

    assert not was_killed(partial(run, quick_place, 0))
    total = int((quick_place.folder / "lines").read_text())
    assert total > 100
    seen = set()
    for line in range(1, total + 1, EACH_LINE[type(quick_place)]):
        place = quick_place.new()
        assert was_killed(partial(run, place, line))
        place.wait_for_the_dead()
        assert asyncio.run(check(place, [("s1", "first")])) == {("finished", True)}
        seen |= asyncio.run(check(place, [("s1", "second")]))
    assert seen == {(None, False), ("failed", False), ("finished", True)}


def test_killed_in_the_middle_of_many_turns(quick_place: Place) -> None:
    begun, answered = quick_place.folder / "begun", quick_place.folder / "answered"

    async def one_after_the_other(
        store: SessionStore, saver: Any, session: str, first: str, owner: str
    ) -> None:
        for number in range(10_000):
            turn = f"{first}-{number}"
            append_line(begun, f"{session} {turn}")
            await answer(store, saver, session, turn, owner)
            append_line(answered, turn)

    async def work(kill: int) -> None:
        async with quick_place.open_sessions() as store:
            saver = await open_saver(store)
            await store.close_lost_turns(store.owners.is_alive)
            with quick_place.owners.holding() as owner:
                sessions = [f"s{number}" for number in range(NUM_TURNS)]
                turns = (
                    one_after_the_other(store, saver, one, f"{one}-{kill}", owner)
                    for one in sessions
                )
                await asyncio.gather(*turns)

    moments = random.Random(7)
    seen = set()
    for kill in range(NUM_KILLS):
        at_least = len(lines_of(answered)) + NUM_TURNS

        def wait(at_least: int = at_least) -> None:
            deadline = time.monotonic() + 60
            while len(lines_of(answered)) < at_least:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 0.02))

        before = len(lines_of(begun))
        assert was_killed(lambda kill=kill: asyncio.run(work(kill)), wait)
        quick_place.wait_for_the_dead()
        turns = [line.split() for line in lines_of(begun)[before:]]
        seen |= asyncio.run(check(quick_place, turns))
    assert ("failed", False) in seen
    assert ("finished", True) in seen


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
