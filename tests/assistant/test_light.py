from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant import light
from assistant.chat.local import LocalChatModel
from assistant.engine.errors import DeadlineExceeded
from assistant.engine.interface import Finished, GenerateRequest, TextDelta
from assistant.errors import ModelError
from assistant.light import TITLE_DEADLINE_S, LightLoader, LightWork
from assistant.providers import open_light_model
from assistant.sessions import SessionStore, StoredTurn, open_sessions
from assistant.settings import DataSettings, ModelSettings, Settings
from tools.evidence import Ledger

from .chat.scripted import ScriptedEngine
from .waiting import until, until_found

ASKED = StoredTurn("What is wrong here?", "**Cause** [S1]: payments refused the expired token.")
TITLE = "Payments refused token"


class Engine(ScriptedEngine):
    """A scripted engine that can fail, and knows whether it was closed."""

    def __init__(self, *script: str, error: Exception | None = None) -> None:
        super().__init__(*script)
        self.error = error
        self.is_closed = False

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        if self.error is not None:
            raise self.error
        async for event in super().generate(request):
            yield event

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light, "SETTLE_S", 0.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with open_sessions(tmp_path) as opened:
        await opened.keep("s1", ASKED, Ledger())
        yield opened


def opening(engine: Engine) -> LightLoader:
    async def load(_: Settings) -> LocalChatModel:
        return LocalChatModel(engine=engine)

    return load


@asynccontextmanager
async def working(store: SessionStore, load: LightLoader) -> AsyncIterator[LightWork]:
    work = LightWork(Settings(), load, store)
    try:
        yield work
    finally:
        await work.aclose()


async def title_of(store: SessionStore, session: str = "s1") -> str:
    return next(info.title for info in await store.all() if info.id == session)


async def named(store: SessionStore, title: str, session: str = "s1") -> None:
    """Return when the session has that title."""

    async def is_named() -> bool:
        return await title_of(store, session) == title

    await until_found(is_named)


async def test_title_is_written_behind_the_scenes(store: SessionStore) -> None:
    engine = Engine(TITLE)
    async with working(store, opening(engine)) as work:
        work.begin_title("s1", ASKED)
        assert await title_of(store) == ASKED.question
        await named(store, TITLE)
        assert not engine.is_closed
    [request] = engine.requests
    assert request.deadline_s == TITLE_DEADLINE_S
    assert engine.is_closed


async def test_model_is_loaded_when_it_is_first_wanted_and_once(store: SessionStore) -> None:
    engine, loads = Engine(TITLE, "Expired token"), 0
    await store.keep("s2", ASKED, Ledger())

    async def load(_: Settings) -> LocalChatModel:
        nonlocal loads
        loads += 1
        return LocalChatModel(engine=engine)

    async with working(store, load) as work:
        await asyncio.sleep(0)
        assert loads == 0
        work.begin_title("s1", ASKED)
        work.begin_title("s2", ASKED)
        await named(store, TITLE, "s1")
        await named(store, "Expired token", "s2")
    assert loads == 1


async def test_nothing_begins_while_a_turn_runs(store: SessionStore) -> None:
    engine = Engine(TITLE)
    async with working(store, opening(engine)) as work:
        with work.held_back():
            with work.held_back():
                work.begin_title("s1", ASKED)
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.02)
            assert engine.requests == []
        await named(store, TITLE)


async def test_nothing_begins_between_a_turn_and_the_next(store: SessionStore) -> None:
    is_loading = asyncio.Event()

    async def load(_: Settings) -> LocalChatModel:
        is_loading.set()
        return LocalChatModel(engine=Engine(TITLE))

    async with working(store, load) as work:
        with work.held_back():
            work.begin_title("s1", ASKED)
            await asyncio.sleep(0.01)
        with work.held_back():
            await asyncio.sleep(0.02)
            assert not is_loading.is_set()
        await named(store, TITLE)


async def test_turn_that_begins_while_the_model_loads_comes_first(store: SessionStore) -> None:
    engine, may_load, is_loading = Engine(TITLE), asyncio.Event(), asyncio.Event()

    async def load(_: Settings) -> LocalChatModel:
        is_loading.set()
        await may_load.wait()
        return LocalChatModel(engine=engine)

    async with working(store, load) as work:
        work.begin_title("s1", ASKED)
        await is_loading.wait()
        with work.held_back():
            may_load.set()
            await asyncio.sleep(0.02)
            assert engine.requests == []
        await named(store, TITLE)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeadlineExceeded(20.0, 3), "not done after 20 s"),
        (IndexError("a fault of ours"), "a fault of ours"),
    ],
)
async def test_failure_leaves_the_title_and_is_logged(
    store: SessionStore, caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    engine = Engine(TITLE, error=error)
    async with working(store, opening(engine)) as work:
        work.begin_title("s1", ASKED)
        await until(lambda: said in caplog.text)
        assert await title_of(store) == ASKED.question
        engine.error = None
        work.begin_title("s1", ASKED)
        await named(store, TITLE)
    [record] = caplog.records
    assert bool(record.exc_info) == isinstance(error, IndexError)


async def test_model_that_cannot_be_loaded_is_logged(
    store: SessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def load(_: Settings) -> LocalChatModel:
        raise ModelError("there is no such model")

    async with working(store, load) as work:
        work.begin_title("s1", ASKED)
        await until(lambda: "no title for session s1: there is no such model" in caplog.text)
    assert await title_of(store) == ASKED.question


async def test_nonsense_is_no_title(store: SessionStore, caplog: pytest.LogCaptureFixture) -> None:
    async with working(store, opening(Engine("Wonderful holidays at sea"))) as work:
        with caplog.at_level(logging.INFO):
            work.begin_title("s1", ASKED)
            await until(lambda: "no fit title" in caplog.text)
    assert await title_of(store) == ASKED.question


async def test_session_that_was_deleted_meanwhile_stays_away(store: SessionStore) -> None:
    async with working(store, opening(Engine(TITLE, TITLE))) as work:
        await store.keep("s2", ASKED, Ledger())
        await store.delete("s1")
        work.begin_title("s1", ASKED)
        work.begin_title("s2", ASKED)
        await named(store, TITLE, "s2")
    assert [info.id for info in await store.all()] == ["s2"]


async def test_closing_at_once_loads_nothing(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that answers one question does not wait for a title."""
    monkeypatch.setattr(light, "SETTLE_S", 60.0)

    async def load(_: Settings) -> LocalChatModel:
        raise AssertionError("it was loaded")

    async with asyncio.timeout(5), working(store, load) as work:
        work.begin_title("s1", ASKED)
        await asyncio.sleep(0)
    assert await title_of(store) == ASKED.question


async def test_closing_ends_a_title_half_way(store: SessionStore) -> None:
    class Stalling(Engine):
        async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
            self.requests.append(request)
            await asyncio.Event().wait()
            yield TextDelta("never")

    engine = Stalling()
    async with asyncio.timeout(5), working(store, opening(engine)) as work:
        work.begin_title("s1", ASKED)
        await until(lambda: bool(engine.requests))
    assert engine.is_closed
    assert await title_of(store) == ASKED.question


@pytest.mark.model
async def test_real_light_model_gives_a_title(
    store: SessionStore, model_file: Callable[[str], Path], tmp_path: Path
) -> None:
    settings = Settings(
        data=DataSettings(dir=tmp_path),
        model=ModelSettings(light=str(model_file("qwen2.5-coder-0.5b"))),
    )

    async def is_renamed() -> bool:
        return await title_of(store) != ASKED.question

    work = LightWork(settings, open_light_model, store)
    try:
        work.begin_title("s1", ASKED)
        await until_found(is_renamed)
    finally:
        await work.aclose()
    title = await title_of(store)
    assert 2 <= len(title.split()) <= 8
    assert "token" in title.casefold() or "payment" in title.casefold()
