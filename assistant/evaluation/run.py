"""Running a suite: each case in a session and with runbooks of its own, several at a time.

The model is loaded once. Nothing of the user's sessions, runbooks, logs and services is read or
written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant.evaluation.cases import Case
from assistant.evaluation.judging import (
    CauseRanks,
    cause_ranks,
    invalid_citations,
    matched_patterns,
    missing_patterns,
    own_words,
    recommends_restart,
)
from assistant.events import Citation, EvidenceAdded, TurnFailed, TurnFinished, TurnUsage
from assistant.interface import AskRequest, Assistant
from assistant.live import open_runbooks
from assistant.loading import LentModel, ModelOnDemand
from assistant.local import ModelLoader, load_model, open_local_assistant
from assistant.providers import models_dir
from assistant.settings import (
    AnswersSettings,
    DataSettings,
    HostSettings,
    KubernetesSettings,
    LogsSettings,
    MetricsSettings,
    ProbesSettings,
    ServicesSettings,
    Settings,
)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case, judged.

    `missing` are the patterns that the answer does not match, `unsaid` those that its own words,
    without the quotations, do not match, `forbidden` those that it matches although it must not.
    `evidence` is everything that was found, most suspicious first.
    """

    case: Case
    answer: str
    missing: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    error: str = ""
    citations: tuple[Citation, ...] = ()
    invalid_citations: tuple[str, ...] = ()
    recommends_restart: bool = False
    cause: CauseRanks | None = None
    evidence: tuple[Citation, ...] = ()
    usage: TurnUsage = field(default_factory=lambda: TurnUsage(model=""))

    @property
    def is_match(self) -> bool | None:
        """Whether every pattern matches and none that must not; None when there are none at all."""
        if self.error:
            return False
        if not self.case.patterns and not self.case.forbidden:
            return None
        return not self.missing and not self.forbidden

    @property
    def is_false_restart(self) -> bool:
        """Whether it advises a restart that would mend nothing."""
        return self.recommends_restart and self.case.restart == "no"


async def evaluate(
    cases: list[Case], settings: Settings, load: ModelLoader = load_model, jobs: int = 1
) -> AsyncGenerator[CaseResult]:
    """Answer the cases, `jobs` at a time, and yield each result as it is there."""
    model: ModelOnDemand[Any] = ModelOnDemand(lambda: load(_with_models(settings)))
    waiting = iter(cases)
    done: asyncio.Queue[CaseResult | Exception] = asyncio.Queue()
    with TemporaryDirectory(prefix="midwatch-eval-") as scratch:
        workers = [
            asyncio.create_task(
                _work(waiting, done, _isolated(settings, Path(scratch, str(n))), LentModel(model))
            )
            for n in range(max(1, min(jobs, len(cases))))
        ]
        try:
            for _ in cases:
                result = await done.get()
                if isinstance(result, Exception):
                    raise result
                yield result
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
            await model.aclose()


async def _work(
    waiting: Iterator[Case],
    done: asyncio.Queue[CaseResult | Exception],
    settings: Settings,
    model: LentModel[Any],
) -> None:
    """Answer one waiting case after another in an assistant of its own."""
    try:
        async with open_local_assistant(settings, model=model) as assistant:
            # The iterator is shared: each case is taken by whoever is free first.
            for case in waiting:
                await asyncio.to_thread(_prepare, case, settings)
                done.put_nowait(await _answer(case, assistant))
    except Exception as error:  # noqa: BLE001 - handed to whoever reads the results
        done.put_nowait(error)


def _with_models(settings: Settings) -> Settings:
    """`settings` with the place of the model files fixed, whatever becomes of the data folder."""
    model = settings.model.model_copy(update={"dir": models_dir(settings)})
    return settings.model_copy(update={"model": model})


def _isolated(settings: Settings, scratch: Path) -> Settings:
    scratch.mkdir(mode=0o700)
    instructions = scratch / "instructions.txt"
    return _with_models(settings).model_copy(
        update={
            "data": DataSettings(dir=scratch),
            "answers": AnswersSettings(cache=False),
            # The cases' runbooks are no business of the team's.
            "knowledge": settings.knowledge.model_copy(update={"chroma_url": ""}),
            "logs": LogsSettings(),
            "services": ServicesSettings(),
            "kubernetes": KubernetesSettings(),
            "metrics": MetricsSettings(),
            "probes": ProbesSettings(),
            "host": HostSettings(look=False),
            "agent": settings.agent.model_copy(update={"instructions": instructions}),
        }
    )


def _prepare(case: Case, settings: Settings) -> None:
    """Make the case's own instructions and runbooks, and only those, what the assistant knows."""
    own = case.instructions.read_bytes() if case.instructions else b""
    (settings.data.dir / "instructions.txt").write_bytes(own)
    nothing = settings.data.dir / "no-runbooks"
    nothing.mkdir(exist_ok=True)
    # One path for all cases: an ingest drops what is not to be found below it any more.
    current = settings.data.dir / "runbooks"
    current.unlink(missing_ok=True)
    current.symlink_to((case.runbooks or nothing).resolve())
    with open_runbooks(settings) as runbooks:
        if case.runbooks or not runbooks.is_empty():
            runbooks.ingest([current])


async def _answer(case: Case, assistant: Assistant) -> CaseResult:
    """Ask the questions before, then the case's own, in one session."""
    session: str | None = None
    found: list[EvidenceAdded] = []
    for question in case.before:
        ended = await _ask(AskRequest(question, session, bundle=case.bundle), assistant, found)
        session = ended.session
    ended = await _ask(AskRequest(case.question, session, bundle=case.bundle), assistant, found)
    if isinstance(ended, TurnFailed):
        nothing = case.patterns
        return CaseResult(case, "", error=ended.message, missing=nothing, unsaid=nothing)
    return await asyncio.to_thread(_judged, case, ended, found)


async def _ask(
    request: AskRequest, assistant: Assistant, found: list[EvidenceAdded]
) -> TurnFinished | TurnFailed:
    async with aclosing(assistant.ask(request)) as events:
        async for event in events:
            if isinstance(event, EvidenceAdded):
                found.append(event)
            elif isinstance(event, TurnFinished | TurnFailed):
                return event
    raise AssertionError("a turn ends in TurnFinished or TurnFailed")


def _judged(case: Case, ended: TurnFinished, found: Sequence[EvidenceAdded]) -> CaseResult:
    ranked = sorted(found, key=lambda event: -event.suspicion)
    evidence = tuple(event.citation for event in ranked)
    return CaseResult(
        case,
        ended.answer,
        missing=missing_patterns(ended.answer, case.patterns),
        unsaid=missing_patterns(own_words(ended.answer), case.patterns),
        forbidden=matched_patterns(ended.answer, case.forbidden),
        citations=ended.citations,
        invalid_citations=invalid_citations(case, ended.citations),
        recommends_restart=recommends_restart(ended.answer),
        cause=cause_ranks(case, evidence, ended.citations),
        evidence=evidence,
        usage=ended.usage,
    )
