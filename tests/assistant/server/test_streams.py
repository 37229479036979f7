"""Turns over a real server whose connections break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.client.finding import ServerAddress
from assistant.client.remote import RemoteAssistant, open_remote_assistant
from assistant.events import Event, TextDelta, TurnFailed, TurnFinished, TurnStarted
from assistant.interface import AskRequest
from assistant.server.app import create_app
from assistant.server.turns import Patience
from tests.assistant.serving import listening, state_for
from tests.assistant.waiting import until

NUM_WORDS = 40


class Talker:
    """An assistant that only talks, a word at a time."""

    def __init__(self, pause_s: float = 0.002) -> None:
        self.pause_s = pause_s
        self.asked: list[AskRequest] = []
        self.num_cancelled = 0

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        self.asked.append(request)
        try:
            yield TurnStarted("s1", request.question)
            for number in range(NUM_WORDS):
                yield TextDelta(f"{number} ")
                await asyncio.sleep(self.pause_s)
            yield TurnFinished("s1", "all", "answered")
        except (asyncio.CancelledError, GeneratorExit):
            self.num_cancelled += 1
            raise

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not for this")


class Flaky:
    """A relay to a server, which cuts each connection after so many bytes of its answer."""

    def __init__(self, server: Path, cut_after: int) -> None:
        self.server = server
        self.cut_after = cut_after
        self.num_cut = 0
        self.is_down = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if not self.is_down:
                await self._relay(reader, writer)
        writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(str(self.server))

        async def ask() -> None:
            while data := await reader.read(4096):
                forth.write(data)

        asking = asyncio.create_task(ask())
        # Who goes away takes the connection to the server along.
        asking.add_done_callback(lambda _: forth.transport.abort())
        left = self.cut_after
        while left > 0 and (data := await back.read(min(left, 512))):
            writer.write(data)
            await writer.drain()
            left -= len(data)
        self.num_cut += left <= 0
        asking.cancel()
        forth.transport.abort()


@asynccontextmanager
async def client_of(
    talker: Talker, folder: Path, cut_after: int = 1 << 30, patience: Patience | None = None
) -> AsyncIterator[tuple[RemoteAssistant, Flaky]]:
    state = state_for(talker, folder, patience or Patience())
    async with listening(lambda path: create_app(state, path)) as path:
        relay = Flaky(path, cut_after)
        socket = path.with_name("r.sock")
        server = await asyncio.start_unix_server(relay, socket)
        async with server, open_remote_assistant(ServerAddress(socket=socket)) as remote:
            yield remote, relay
        await state.turns.drain(1.0)


async def told(remote: RemoteAssistant) -> list[Event]:
    async with aclosing(remote.ask(AskRequest("why?"))) as events:
        return [event async for event in events]


def words(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


ALL_WORDS = [f"{number} " for number in range(NUM_WORDS)]


# Cut within the head, within an event, between events.
@pytest.mark.parametrize("cut_after", [900, 1111, 2500])
async def test_broken_connections_lose_and_repeat_nothing(tmp_path: Path, cut_after: int) -> None:
    talker = Talker()
    async with client_of(talker, tmp_path, cut_after) as (remote, relay):
        events = await told(remote)
    assert words(events) == ALL_WORDS
    assert isinstance(events[0], TurnStarted)
    assert isinstance(events[-1], TurnFinished)
    assert len(talker.asked) == 1
    assert relay.num_cut > 0


async def test_a_server_that_is_not_there_fails_the_turn_with_what_to_do(tmp_path: Path) -> None:
    async with client_of(Talker(), tmp_path) as (remote, relay):
        relay.is_down = True
        [event] = await told(remote)
    assert isinstance(event, TurnFailed)
    assert event.code == "server"
    assert "--local" in event.hint


async def test_closing_cancels_the_turn_on_the_server_at_once(tmp_path: Path) -> None:
    talker = Talker(pause_s=0.5)
    async with client_of(talker, tmp_path) as (remote, _):
        async with aclosing(remote.ask(AskRequest("why?"))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        await until(lambda: talker.num_cancelled == 1)


async def test_a_client_that_vanishes_has_its_turn_cancelled(tmp_path: Path) -> None:
    talker = Talker(pause_s=0.5)
    async with client_of(talker, tmp_path, patience=Patience(alone_s=0.05)) as (remote, relay):
        asking = asyncio.create_task(told(remote))
        await until(lambda: bool(talker.asked))
        relay.is_down = True
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: talker.num_cancelled == 1)


async def test_fifty_clients_hear_their_own_turns_whole(tmp_path: Path) -> None:
    talker = Talker()
    async with client_of(talker, tmp_path, 1500) as (remote, _):
        heard = await asyncio.gather(*(told(remote) for _ in range(50)))
    assert [words(events) for events in heard] == [ALL_WORDS] * 50
    assert len(talker.asked) == 50
