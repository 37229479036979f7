"""A kept answer, given again in a session of its own, and the conversation that goes on there."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from assistant.agent.question import understand
from assistant.agent.saver import open_saver
from assistant.agent.toolbox import Toolbox
from assistant.agent.turn import Draft, Turn
from assistant.answers import fingerprint
from assistant.answers.cache import AnswerCache
from assistant.answers.kept import KeptAnswer, kept_answer
from assistant.answers.key import AnswerKey, answer_key
from assistant.answers.replay import replay
from assistant.chat.local import LocalChatModel
from assistant.events import Event, EvidenceAdded, TextDelta, TurnFinished
from assistant.interface import AskRequest
from assistant.local import _strategy, open_local_assistant
from assistant.sessions import StoredTurn, open_sessions
from assistant.settings import AgentSettings, DataSettings, HostSettings, ModelSettings, Settings
from knowledge.base import open_knowledge_base
from tests.assistant.chat.scripted import ScriptedEngine
from tools.bundle import open_bundle
from tools.evidence import Ledger

QUESTION = "Why are orders slow?"
ANSWER = "**Cause** [L1]: pay has no free connections.\n\n**Next:** Raise the pool."
ERROR_LINE = "2026-03-01T12:00:41Z ERROR pool exhausted: 20 of 20 connections in use"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    logs = tmp_path / "bundle" / "logs"
    logs.mkdir(parents=True)
    served = "".join(f"2026-03-01T12:00:{n:02}Z INFO request {n} served\n" for n in range(40))
    (logs / "pay.log").write_text(f"{served}{ERROR_LINE}\n{ERROR_LINE}\n")
    return tmp_path / "bundle"


@dataclass
class World:
    """An assistant with a scripted engine, and what it was asked."""

    folder: Path
    strategy: Literal["bounded", "free"]
    engine: ScriptedEngine = field(default_factory=lambda: ScriptedEngine(*[ANSWER] * 4))
    events: list[Event] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(
            model=ModelSettings(provider="openai", name="m", base_url="http://127.0.0.1:9/v1"),
            agent=AgentSettings(strategy=self.strategy, max_drilldowns=0),
            host=HostSettings(look=False),
            data=DataSettings(dir=self.folder / "data"),
        )

    async def model(self, *_: object) -> LocalChatModel:
        return LocalChatModel(engine=self.engine)

    async def ask(self, **request: Any) -> TurnFinished:
        async with (
            open_local_assistant(self.settings, self.model) as assistant,
            aclosing(assistant.ask(AskRequest(**request))) as events,
        ):
            self.events = [event async for event in events]
        assert isinstance(self.events[-1], TurnFinished), self.events[-1]
        return self.events[-1]

    def key(self, request: AskRequest) -> AnswerKey:
        key = answer_key(request, self.settings, strategy=self.strategy, instructions=(), held=dict)
        assert key is not None
        return key

    async def replayed(self, kept: KeptAnswer, bundle: Path) -> tuple[Draft, list[Event]]:
        """The kept answer in the session `again`, as an assistant does it."""
        events: list[Event] = []
        async with open_sessions(self.folder / "data") as store:
            scope = open_bundle(bundle)
            with open_knowledge_base(self.folder / "data", self.folder / "cache") as runbooks:
                toolbox = Toolbox(scope, runbooks, 0.4, Ledger(), events.append, session="again")
                turn = Turn("again", understand(QUESTION, scope.now), toolbox, events.append)
                draft = await replay(
                    kept, turn, _strategy(self.settings, self.model, await open_saver(store))
                )
            await store.keep("again", StoredTurn(QUESTION, draft.answer, bundle), toolbox.ledger)
        return draft, events

    async def ledger(self, session: str) -> Ledger:
        async with open_sessions(self.folder / "data") as store:
            return await store.ledger(session)


@pytest.fixture(params=["bounded", "free"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 0)
    found = World(tmp_path, request.param)
    found.engine.info = replace(found.engine.info, context_tokens=100_000)
    return found


async def kept_after_asking(world: World, bundle: Path) -> KeptAnswer:
    """The answer of one turn, through the cache on the disk."""
    cache = AnswerCache(world.folder, 1_000_000, 3600.0)
    request = AskRequest(QUESTION, bundle=bundle)
    key = world.key(request)
    assert cache.look(key) is None
    finished = await world.ask(question=QUESTION, bundle=bundle)
    kept = kept_answer(QUESTION, finished, await world.ledger(finished.session), "m")
    assert kept is not None
    assert world.key(request) == key
    cache.keep(key, kept, finished.session)
    found = cache.look(world.key(AskRequest(f" {QUESTION} ", bundle=bundle)))
    assert found == kept
    return found


async def test_it_is_the_answer_with_its_evidence(world: World, bundle: Path) -> None:
    kept = await kept_after_asking(world, bundle)
    first = world.events
    draft, events = await world.replayed(kept, bundle)
    finished = first[-1]
    assert isinstance(finished, TurnFinished)
    assert draft.answer == finished.answer
    assert tuple(item.id for item in draft.evidence) == tuple(c.id for c in finished.citations)
    assert draft.evidence
    announced = [event for event in first if isinstance(event, EvidenceAdded)]
    assert [event for event in events if isinstance(event, EvidenceAdded)] == announced
    assert [event.text for event in events if isinstance(event, TextDelta)] == [finished.answer]
    assert len(events) == len(announced) + 1
    assert len(world.engine.requests) == 1
    assert list(await world.ledger("again")) == list(await world.ledger(finished.session))


async def test_the_conversation_goes_on(world: World, bundle: Path) -> None:
    kept = await kept_after_asking(world, bundle)
    await world.replayed(kept, bundle)
    finished = await world.ask(question="And what else is wrong?", session="again")
    assert finished.session == "again"
    assert len(world.engine.requests) == 2
    prompt = world.engine.prompt_text()
    first, _, _ = prompt.partition("And what else is wrong?")
    assert first.index(QUESTION) < first.index("pool exhausted") < first.index("pay has no free")
    assert any(citation.text == ERROR_LINE for citation in finished.citations)
    ids = [item.id for item in await world.ledger("again")]
    assert len(ids) == len(set(ids))
    assert ids[: len(kept.evidence)] == [item.id for item in kept.evidence]


async def test_a_change_of_the_evidence_is_another_question(world: World, bundle: Path) -> None:
    before = world.key(AskRequest(QUESTION, bundle=bundle))
    with (bundle / "logs" / "pay.log").open("a") as log:
        log.write(f"{ERROR_LINE}\n")
    assert world.key(AskRequest(QUESTION, bundle=bundle)) != before
