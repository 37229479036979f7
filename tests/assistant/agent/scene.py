"""A turn over a small bundle, with a scripted engine: what the agent's tests start from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from assistant.agent.bounded import BoundedStrategy
from assistant.agent.question import understand
from assistant.agent.saver import open_saver
from assistant.agent.toolbox import Toolbox
from assistant.agent.turn import Draft, Turn
from assistant.chat.local import LocalChatModel
from assistant.events import Event
from assistant.sessions import open_sessions
from knowledge.base import open_knowledge_base
from tests.assistant.chat.scripted import ScriptedEngine
from tools.bundle import open_bundle
from tools.evidence import Ledger
from tools.scope import Scope

BROKEN = (
    "2026-03-01 12:00:00,000 INFO shop.cart: order 17 placed\n" * 40
    + "2026-03-01 12:00:09,000 CRITICAL shop.cart: cannot open ledger.db: disk is full\n"
)
HEALTHY = "2026-03-01 12:00:00,000 INFO shop.cart: order 17 placed\n" * 40


def bundle(folder: Path, logs: dict[str, str], captures: dict[str, str] | None = None) -> Scope:
    (folder / "logs").mkdir(parents=True)
    for name, text in logs.items():
        (folder / "logs" / f"{name}.log").write_text(text)
    for name, text in (captures or {}).items():
        (folder / name).write_text(text)
    return open_bundle(folder)


class Scene:
    """Asks questions over one scope in one session."""

    def __init__(self, scope: Scope, engine: ScriptedEngine, folder: Path) -> None:
        self.scope = scope
        self.engine = engine
        self.ledger = Ledger()
        self.events: list[Event] = []
        self.runbooks = open_knowledge_base(folder / "data", folder / "cache")

    def turn(self, question: str) -> Turn:
        toolbox = Toolbox(self.scope, self.runbooks, 0.3, self.ledger, self.events.append)
        return Turn("s1", understand(question, self.scope.now), toolbox, self.events.append)

    @asynccontextmanager
    async def strategy(self, folder: Path, max_drilldowns: int) -> AsyncIterator[BoundedStrategy]:
        model = LocalChatModel(engine=self.engine)

        async def loaded() -> LocalChatModel:
            return model

        async with open_sessions(folder / "data") as store:
            yield BoundedStrategy(loaded, await open_saver(store), max_drilldowns)


async def ask(scene: Scene, folder: Path, *questions: str, max_drilldowns: int = 1) -> list[Draft]:
    async with scene.strategy(folder, max_drilldowns) as strategy:
        return [await strategy.answer(scene.turn(question)) for question in questions]
