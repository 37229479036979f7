"""Sessions that several processes share through a PostgreSQL that may go away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.agent.saver import open_saver
from assistant.errors import DataFolderError, SessionError
from assistant.postgres import pools
from assistant.postgres.owners import PostgresOwners
from assistant.sessions import StoredTurn
from assistant.sessions.postgres import open_shared_sessions
from tests.assistant.approvals.scene import open_scene
from tests.assistant.places import PostgresPlace
from tests.assistant.sessions.test_kill import checkpoint, last_checkpoint
from tools.evidence import Finding, Ledger

TURN = StoredTurn("why?", "x")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a database that is away."""
    monkeypatch.setattr(pools, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setattr(pools, "RECONNECT_TIMEOUT_S", 0.5)


def take_over(place: PostgresPlace, session: str) -> None:
    """What another process does that takes the holder of `session` for dead."""
    with place.server.connect(place.address) as connection:
        changed = connection.execute(
            "UPDATE leases SET owner = 'pg-00', token = 'theirs' WHERE session = %s", [session]
        )
        assert changed.rowcount == 1


def rows(place: PostgresPlace, query: str) -> list[tuple[Any, ...]]:
    with place.server.connect(place.address) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


async def test_many_replicas_may_start_at_once(postgres_place: PostgresPlace) -> None:
    async def start() -> None:
        async with postgres_place.open_sessions() as store:
            saver = await open_saver(store)
            await checkpoint(saver, "s1", "first")

    await asyncio.gather(*(start() for _ in range(6)))
    names = {name for (name,) in rows(postgres_place, "SELECT part FROM midwatch_versions")}
    assert names == {"sessions"}


async def test_a_turn_in_a_session_that_was_taken_over_is_not_kept(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as store:
        saver = await open_saver(store)
        await store.keep("s1", TURN, Ledger())
        with pytest.raises(SessionError, match="taken over"):  # noqa: PT012
            async with store.answering("s1"):
                take_over(postgres_place, "s1")
                # What the other one stores meanwhile stays.
                await checkpoint(saver, "s1", "theirs")
                await store.keep("s1", TURN, Ledger())
        assert len(await store.turns("s1")) == 1
        assert await last_checkpoint(saver, "s1") == ["theirs"]
        assert rows(postgres_place, "SELECT token FROM leases") == [("theirs",)]


async def test_who_is_gone_holds_nothing(postgres_place: PostgresPlace) -> None:
    async with postgres_place.open_sessions() as store:
        async with store.held("s1"):
            take_over(postgres_place, "s1")
        async with store.held("s1"):
            pass
        assert rows(postgres_place, "SELECT * FROM leases") == []


async def test_of_many_who_take_the_lease_of_the_dead_one_gets_it(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as one, postgres_place.open_sessions() as other:
        async with one.held("s1"):
            take_over(postgres_place, "s1")
        holders = list[str]()

        async def hold(name: str) -> None:
            async with (one if name == "one" else other).held("s1"):
                holders.append(name)
                await asyncio.sleep(0.2)

        results = await asyncio.gather(hold("one"), hold("other"), return_exceptions=True)
        assert len(holders) == 1
        assert sum(isinstance(result, SessionError) for result in results) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_turn_survives_a_restart_of_the_database(postgres_place: PostgresPlace) -> None:
    async with open_shared_sessions(postgres_place.address, patience_s=5) as store:
        async with store.answering("s1"):
            postgres_place.server.stop()
            with pytest.raises(DataFolderError, match="the database cannot be used") as caught:
                await asyncio.wait_for(store.all(), 30)
            assert "postgres_env" in caught.value.hint
            postgres_place.server.start()
            # Nobody else gets the session: its holder came back.
            async with open_shared_sessions(postgres_place.address, patience_s=5) as elsewhere:
                with pytest.raises(SessionError, match="answering another"):
                    async with elsewhere.held("s1"):
                        pass
            await store.keep("s1", TURN, Ledger())
        assert await store.turns("s1") == [TURN]


async def test_a_lease_that_could_not_be_given_back_is_given_back_later(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as store:
        async with store.held("s1"):
            postgres_place.server.stop()
        postgres_place.server.start()
        while rows(postgres_place, "SELECT * FROM leases"):  # noqa: ASYNC110 - not ours to wake
            await asyncio.sleep(0.05)


async def test_a_process_does_not_keep_itself_out(postgres_place: PostgresPlace) -> None:
    async with postgres_place.open_sessions() as store:
        async with store.held("s1"):
            # As a lease that could not be given back.
            with postgres_place.server.connect(postgres_place.address) as connection:
                connection.execute("UPDATE leases SET token = 'forgotten'")
        async with store.held("s1"):
            assert rows(postgres_place, "SELECT count(*) FROM leases") == [(1,)]
        assert rows(postgres_place, "SELECT * FROM leases") == []


@pytest.mark.usefixtures("impatient")
async def test_a_failure_is_told_also_where_its_traces_cannot_be_removed(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as store:
        saver = await open_saver(store)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with store.answering("s1"):
                await checkpoint(saver, "s1", "half")
                postgres_place.server.stop()
                raise ZeroDivisionError
        postgres_place.server.start()
        assert await last_checkpoint(saver, "s1") == ["half"]
        async with store.answering("s1"):
            assert await last_checkpoint(saver, "s1") == []


async def test_of_a_failed_turn_not_even_its_values_are_left(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as store:
        saver = await open_saver(store)
        async with store.answering("s1"):
            await checkpoint(saver, "s1", "kept")
            await store.keep("s1", TURN, Ledger())
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with store.answering("s1"):
                await checkpoint(saver, "s1", "half")
                raise ZeroDivisionError
        assert await last_checkpoint(saver, "s1") == ["kept"]
        assert rows(postgres_place, "SELECT version FROM checkpoint_blobs") == [("kept",)]
        await store.delete("s1")
        assert rows(postgres_place, "SELECT * FROM checkpoint_blobs") == []


async def test_texts_are_kept_without_the_one_character_that_has_no_place(
    postgres_place: PostgresPlace,
) -> None:
    turn = StoredTurn("why \0 %s ? 🙂", "100 % \0")
    ledger = Ledger()
    ledger.add(Finding("log", "db", "a \0 b"))
    async with postgres_place.open_sessions() as store:
        await store.keep("s1", turn, ledger)
        [kept] = await store.turns("s1")
        assert (kept.question, kept.answer) == ("why \ufffd %s ? 🙂", "100 % \ufffd")
        [evidence] = await store.ledger("s1")
        assert evidence.finding.text == "a \0 b"


@pytest.mark.usefixtures("impatient")
async def test_errors_of_the_graph_s_saver_are_ours(postgres_place: PostgresPlace) -> None:
    async with postgres_place.open_sessions() as store:
        saver = await open_saver(store)
        postgres_place.server.stop()
        try:
            with pytest.raises(DataFolderError):
                await last_checkpoint(saver, "s1")
        finally:
            postgres_place.server.start()
        assert await last_checkpoint(saver, "s1") == []


async def test_a_cancelled_change_gives_its_connection_back(postgres_place: PostgresPlace) -> None:
    async with postgres_place.open_sessions() as store:
        for _ in range(30):
            task = asyncio.create_task(store.keep("s1", TURN, Ledger()))
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
        await store.keep("s1", TURN, Ledger())
        [info] = await store.all()
        assert info.num_turns == len(await store.turns("s1"))


async def test_the_process_that_holds_sessions_is_alive(postgres_place: PostgresPlace) -> None:
    async with postgres_place.open_sessions() as store, store.held("s1"):
        [(owner,)] = rows(postgres_place, "SELECT owner FROM leases")
        assert PostgresOwners(postgres_place.address, 0).is_alive(owner)
    postgres_place.wait_until_dead(owner)


REPLICA = """
import asyncio, os, signal, sys
from assistant.approvals.desk import Desk
from assistant.approvals.execution import open_executor
from assistant.approvals.policy import Policy
from assistant.sessions.postgres import open_shared_sessions
from assistant.approvals.postgres import open_shared_store
from tests.assistant.approvals.scene import ANNA, MemoryAudit, permitted, restart

async def serve(address):
    async with open_shared_sessions(address) as store:
        with store.owners.holding() as owner:
            await store.begin_turn("t1", "why?", "s1", owner)
            async with store.answering("s1"):
                await asyncio.to_thread(act, address)

def act(address):
    audit, policy = MemoryAudit(), Policy.parse()
    die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    with (
        open_shared_store(address) as store,
        open_executor(store, audit, policy, {"restart_service": die}) as executor,
    ):
        desk = Desk(store, audit, policy)
        approval = desk.approve(desk.request(restart()).id, ANNA)
        executor.execute(approval.id, session="s1", permit=permitted)

asyncio.run(serve(sys.argv[1]))
"""


async def test_one_of_two_replicas_dies_and_the_other_tidies_up(
    postgres_place: PostgresPlace,
) -> None:
    async with postgres_place.open_sessions() as store:
        with open_scene(postgres_place) as scene:
            command = [sys.executable, "-c", REPLICA, postgres_place.address]
            root = Path(__file__).parents[3]
            ended = await asyncio.to_thread(subprocess.run, command, cwd=root, check=False)
            assert ended.returncode == -9
            begun = await store.turn_state("t1")
            assert begun is not None
            await asyncio.to_thread(postgres_place.wait_until_dead, begun.owner)
            await asyncio.to_thread(postgres_place.wait_until_gone, "s1")
            [approval] = scene.desk.all()
            await asyncio.to_thread(postgres_place.wait_until_dead, approval.owner)

            assert await store.close_lost_turns(store.owners.is_alive) == ("t1",)
            [unfinished] = await asyncio.to_thread(scene.executor.recover)
            assert unfinished.id == approval.id
            assert "whether it took effect is not known" in unfinished.message
            async with store.answering("s1"):
                await store.keep("s1", TURN, Ledger())
