from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from assistant.chat.local import LocalChatModel
from assistant.engine.batch import BatchEngine
from assistant.engine.interface import Finished, GenerateRequest, TextDelta
from assistant.server import completions
from assistant.server.completions import ServedModel
from assistant.server.openai_waiting import while_connected, with_pauses
from tests.assistant.chat.scripted import CHATML, ScriptedEngine
from tests.assistant.engine.fake_backend import FakeBackend
from tests.assistant.server.completions_app import HELLO, PATH, app_of, given


class Visit:
    """One request as a server makes it: what it sent, and a client that may leave."""

    def __init__(self, model: ServedModel, **body: Any) -> None:
        self.leaves = asyncio.Event()
        self.sent: list[Any] = []
        self._app = app_of(model)
        self._body: bytes | None = json.dumps({"messages": HELLO, **body}).encode()

    async def run(self) -> None:
        headers = [(b"content-type", b"application/json")]
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": PATH,
            "raw_path": PATH.encode(), "query_string": b"", "headers": headers, "root_path": "",
            "scheme": "http", "server": ("x", 1), "client": ("y", 2),
        }  # fmt: skip
        await self._app(scope, self._receive, self._send)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


class SlowEngine(ScriptedEngine):
    """Begins when it may, and says that its work was ended."""

    def __init__(self, *script: str) -> None:
        super().__init__(*script)
        self.may_begin = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.was_ended = asyncio.Event()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        self.has_begun.set()
        try:
            await self.may_begin.wait()
            async for event in super().generate(request):
                yield event
        except asyncio.CancelledError:
            self.was_ended.set()
            raise


def served(engine: Any) -> ServedModel:
    return ServedModel("small", given(LocalChatModel(engine=engine)))


@asynccontextmanager
async def endless_engine() -> AsyncIterator[BatchEngine]:
    """A real engine, whose model writes until it is stopped."""
    backend = FakeBackend(context_tokens=200_000)
    backend.info = replace(backend.info, chat_template=CHATML)
    backend.step_s = 0.001
    engine = await asyncio.to_thread(BatchEngine, lambda: backend)
    try:
        yield engine
    finally:
        await engine.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what an engine's thread does sets no event
            await asyncio.sleep(0.005)


def is_idle(engine: BatchEngine) -> bool:
    return engine.status().num_running + engine.status().num_waiting == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_client_that_leaves_before_the_first_word_ends_the_work(stream: bool) -> None:
    engine = SlowEngine("never said")
    visit = Visit(served(engine), stream=stream)
    running = asyncio.create_task(visit.run())
    await engine.has_begun.wait()
    visit.leaves.set()
    await running
    assert engine.was_ended.is_set()
    assert visit.sent == []


@pytest.mark.parametrize("stream", [True, False])
async def test_client_that_leaves_frees_the_engine(stream: bool) -> None:
    async with endless_engine() as engine:
        visit = Visit(served(engine), stream=stream)
        running = asyncio.create_task(visit.run())
        await until(lambda: engine.status().num_running == 1)
        if stream:
            await until(lambda: "content" in visit.text)
        visit.leaves.set()
        await running
        await until(lambda: is_idle(engine))


async def test_server_that_stops_ends_the_work() -> None:
    engine = SlowEngine("never said")
    running = asyncio.create_task(Visit(served(engine), stream=True).run())
    await engine.has_begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert engine.was_ended.is_set()


async def test_many_share_the_engine() -> None:
    async with endless_engine() as engine:
        visits = [Visit(served(engine), stream=True, max_tokens=40) for _ in range(8)]
        running = [asyncio.create_task(visit.run()) for visit in visits]
        most = 0
        while (await asyncio.wait(running, timeout=0.001))[1]:
            most = max(most, engine.status().num_running)
        await until(lambda: is_idle(engine))
    assert most > 1
    assert all(visit.text.endswith("data: [DONE]\n\n") for visit in visits)
    assert all('"finish_reason": "length"' in visit.text for visit in visits)


async def test_stream_that_waits_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "_PATIENCE_S", 0.01)
    engine = SlowEngine("at last")
    visit = Visit(served(engine), stream=True)
    running = asyncio.create_task(visit.run())
    await until(lambda: ": waiting" in visit.text)
    assert visit.sent[0]["status"] == 200
    engine.may_begin.set()
    await running
    assert visit.text.count("assistant") == 1
    assert visit.text.endswith("data: [DONE]\n\n")


async def test_pauses_come_before_the_first_only() -> None:
    may_begin = asyncio.Event()

    async def late() -> AsyncGenerator[int]:
        await may_begin.wait()
        yield 1
        await asyncio.sleep(0.02)
        yield 2

    found: list[int | None] = []
    async for event in with_pauses(late(), 0.005):
        found.append(event)
        if len(found) == 2:
            may_begin.set()
    assert found[:2] == [None, None]
    assert [event for event in found if event] == [1, 2]
    assert found[-2:] == [1, 2]


async def test_errors_of_events_are_raised() -> None:
    async def fails() -> AsyncGenerator[int]:
        yield 1
        raise ValueError("no more")

    events = with_pauses(fails(), 1.0)
    assert await anext(events) == 1
    with pytest.raises(ValueError, match="no more"):
        await anext(events)


async def test_leaving_a_pause_ends_the_wait() -> None:
    was_ended = asyncio.Event()

    async def never() -> AsyncGenerator[int]:
        try:
            await asyncio.sleep(60)
        finally:
            was_ended.set()
        yield 1

    events = with_pauses(never(), 0.001)
    assert await anext(events) is None
    await events.aclose()
    assert was_ended.is_set()


async def test_work_is_done_while_the_client_stays_and_its_errors_are_raised() -> None:
    async def stays() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await while_connected(stays, fails())
