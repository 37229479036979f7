"""A folder of cases that grows, answered by a scripted engine."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from assistant.chat.local import LocalChatModel
from assistant.evaluation.cases import load_cases
from assistant.evaluation.run import CaseResult, evaluate
from assistant.settings import AgentSettings, DataSettings, Settings
from tests.assistant.chat.scripted import ScriptedEngine

LOG = "2026-03-01T12:00:41Z ERROR pool exhausted: 20 of 20 connections in use\n"
QUIET = "2026-03-01T12:00:41Z INFO all is well\n"
ANSWER = "**Cause** [L1]: pay has no free connections.\n\n**Next:** Raise the pool."
POOL = "# Pool exhausted\n\nThe pool of connections is exhausted. Call the heron team.\n"
OTHER = "# Pool exhausted\n\nThe pool of connections is exhausted. Call the otter team.\n"


class Suite:
    """A folder of cases that grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(
        self,
        name: str,
        expected: str = "quick_regex: [pool]",
        *,
        log: str | None = LOG,
        runbook: str = "",
        question: str = "Why is the pool exhausted?",
    ) -> None:
        case = self.folder / name
        case.mkdir()
        (case / "question.txt").write_text(f"{question}\n")
        (case / "expected.yaml").write_text(expected)
        if log is not None:
            (case / "bundle").mkdir()
            (case / "bundle" / "pay.log").write_text(log)
        if runbook:
            (case / "runbooks").mkdir()
            (case / "runbooks" / "pool.md").write_text(runbook)

    async def run(
        self, settings: Settings, engine: ScriptedEngine, only: tuple[str, ...] = (), jobs: int = 1
    ) -> list[CaseResult]:
        async def load(_: Settings) -> LocalChatModel:
            return LocalChatModel(engine=engine)

        cases = load_cases(self.folder, only)
        async with aclosing(evaluate(cases, settings, load, jobs)) as results:
            return [result async for result in results]


def scripted(*script: str) -> ScriptedEngine:
    engine = ScriptedEngine(*script)
    engine.info = replace(engine.info, context_tokens=100_000)
    return engine


def settings_in(folder: Path) -> Settings:
    return Settings(data=DataSettings(dir=folder), agent=AgentSettings(max_drilldowns=0))
