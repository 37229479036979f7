"""One question, from the request to the answer that is kept: scope, model, strategy, cache.

The events around it, and the session that is held meanwhile, are `LocalAssistant`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assistant.acting.office import OfficeOnDemand, Proposing
from assistant.agent.instructions import read_instructions
from assistant.agent.question import understand
from assistant.agent.report import as_citation
from assistant.agent.toolbox import Emit, Toolbox
from assistant.agent.turn import Draft, Resumption, Strategy, Turn
from assistant.answers.cache import AnswerCache
from assistant.answers.kept import KeptAnswer, kept_answer
from assistant.answers.key import AnswerKey, answer_key
from assistant.answers.replay import replay
from assistant.answers.tool_results import ToolResults
from assistant.approvals.person import system_person
from assistant.engine.interface import Priority
from assistant.events import TurnFinished, TurnStarted, TurnUsage
from assistant.interface import AskRequest, Urgency
from assistant.live import live_scope, runbook_threshold
from assistant.redacting import cleaned_ending
from assistant.routing.router import Router, TurnModel
from assistant.routing.rules import Work
from assistant.sessions import SessionStore, StoredTurn
from assistant.settings import Settings
from assistant.spool import live_logs
from tools.bundle import attach_files, open_bundle
from tools.evidence import Ledger, distinct
from tools.scope import Scope
from tools.window import Window, window_since

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase

_PRIORITIES: dict[Urgency, Priority] = {
    "alert": Priority.ALERT,
    "chat": Priority.CHAT,
    "background": Priority.BACKGROUND,
}
_SECOND_LOOK = "*A second look, because that is not sure:*"
_ASK_AGAIN = "Now say what the cause is and what to do next, from the findings."


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers of one assistant have in common. `strategy_name` is how they are worked on."""

    settings: Settings
    strategy: Strategy
    strategy_name: str
    store: SessionStore
    runbooks: KnowledgeBase
    router: Router
    offices: OfficeOnDemand
    redact: Callable[[str], str]
    answers: AnswerCache | None
    """Answers to be given again; None: each question is worked on."""
    results: ToolResults
    """What turns on the live systems find at the same time."""

    async def answer(self, session: str, request: AskRequest, emit: Emit) -> TurnFinished:
        """Answer in `session`, which the caller holds, and keep the turn there.

        Raises MidwatchError, ToolsError and KnowledgeError; nothing is kept then.
        """
        turns = await self.store.turns(session)
        request = _with_earlier_evidence(request, turns)
        key = None if turns else await asyncio.to_thread(self._key, request)
        kept = await asyncio.to_thread(self._look, key) if request.may_be_cached else None
        if kept is not None:
            return await self._again(kept, session, request, emit)
        async with self._scope(request) as scope:
            finished = await self._work_on(scope, session, request, turns, emit)
        await self._remember(key, session, request, finished)
        return finished

    def toolbox(self, scope: Scope, ledger: Ledger, emit: Emit, session: str) -> Toolbox:
        """The tools for a turn on `scope`."""
        return Toolbox(
            scope,
            self.runbooks,
            runbook_threshold(self.settings),
            ledger,
            emit,
            redact=self.redact,
            session=session,
            results=self.results,
            scope_key="live" if scope.origin == "live" else "",
        )

    def finished(self, turn: Turn, draft: Draft, model: str) -> TurnFinished:
        """The turn's last event, as it is kept and as fronts get it."""
        return cleaned_ending(_finished(turn, draft, model), self.redact)

    async def _work_on(
        self,
        scope: Scope,
        session: str,
        request: AskRequest,
        turns: Sequence[StoredTurn],
        emit: Emit,
    ) -> TurnFinished:
        # Evidence that cannot be opened is said at once; from here on the model is wanted.
        work = Work("answer", request.urgency, request.severity, request.is_deep)
        chosen = self.router.turn(work)
        chosen.begin()
        ledger = await self.store.ledger(session)
        toolbox = self.toolbox(scope, ledger, emit, session)
        if scope.origin == "live":
            person = request.person or system_person("cli")
            toolbox.actions = Proposing(self.offices, person, len(turns) + 1)
        since = understand(request.question, scope.now).since or self.settings.logs.window
        emit(TurnStarted(session, request.question))
        async with live_logs(toolbox, self.settings, since):
            turn = self._turn(toolbox, request, turns, since)
            turn.model = chosen.get
            draft = await self.strategy.answer(turn)
            draft, model = await self._looked_again(turn, draft, chosen)
        finished = self.finished(turn, draft, model)
        await self.store.keep(session, _stored(request, finished), ledger)
        return finished

    def _turn(
        self, toolbox: Toolbox, request: AskRequest, turns: Sequence[StoredTurn], since: str
    ) -> Turn:
        scope = toolbox.scope
        earlier = [turn.question for turn in turns]
        question = understand(request.question, scope.now, earlier, list(scope.logs))
        if scope.origin == "live" and not question.since:
            window = Window(window_since(scope.now, since).start, question.window.end)
            question = replace(question, since=since, window=window)
        return Turn(
            toolbox.session,
            question,
            toolbox,
            toolbox.emit,
            instructions=self._instructions(),
            priority=_PRIORITIES[request.urgency],
        )

    async def _looked_again(self, turn: Turn, draft: Draft, chosen: TurnModel) -> tuple[Draft, str]:
        """The answer with a larger model's word where it is not sure, and who gave it."""
        again = self.router.turn(Work(confidence="low"))
        name = chosen.name
        if turn.is_unsure and again.is_named and not chosen.is_named:
            # Where that model cannot be had, the route is one of the main model by now.
            await again.get()
            if again.is_named:
                name = again.name
                draft = await self._asked_again(turn, draft, again)
        for told in (chosen.told(), again.told()):
            turn.show_section(told)
        return replace(draft, answer="".join(turn.shown)), name

    async def _asked_again(self, turn: Turn, draft: Draft, again: TurnModel) -> Draft:
        turn.model = again.get
        turn.show_section(_SECOND_LOOK)
        going_on = Resumption(turn.question.text, "", is_open=True, ask=_ASK_AGAIN)
        looked = await self.strategy.resume(turn, going_on)
        return replace(draft, evidence=distinct((*draft.evidence, *looked.evidence)))

    async def _again(
        self, kept: KeptAnswer, session: str, request: AskRequest, emit: Emit
    ) -> TurnFinished:
        """The answer that was kept, as this session's first."""
        scope = Scope("live", datetime.now(UTC))
        toolbox = self.toolbox(scope, Ledger(), emit, session)
        turn = Turn(session, understand(request.question, scope.now), toolbox, emit)
        emit(TurnStarted(session, request.question))
        draft = await replay(kept, turn, self.strategy)
        finished = self.finished(turn, draft, self.settings.model.name)
        finished = replace(finished, usage=replace(finished.usage, is_answer_cached=True))
        await self.store.keep(session, _stored(request, finished), toolbox.ledger)
        return finished

    def _key(self, request: AskRequest) -> AnswerKey | None:
        """Under what the answer may be kept; None: not at all."""
        if self.answers is None or request.is_deep or request.severity:
            return None
        return answer_key(
            request,
            self.settings,
            strategy=self.strategy_name,
            instructions=self._instructions(),
            held=self.runbooks.held,
        )

    def _look(self, key: AnswerKey | None) -> KeptAnswer | None:
        return None if key is None or self.answers is None else self.answers.look(key)

    async def _remember(
        self, key: AnswerKey | None, session: str, request: AskRequest, finished: TurnFinished
    ) -> None:
        # What changed while it was worked on may or may not be in the answer.
        if (
            key is None
            or self.answers is None
            or key != await asyncio.to_thread(self._key, request)
        ):
            return
        ledger = await self.store.ledger(session)
        kept = kept_answer(request.question, finished, ledger, self.settings.model.name)
        if kept is not None:
            await asyncio.to_thread(self.answers.keep, key, kept, session)

    def _instructions(self) -> tuple[str, ...]:
        """The team's rules as they are now. Raises SettingsError."""
        file = self.settings.agent.instructions
        return read_instructions(file) if file is not None else ()

    @asynccontextmanager
    async def _scope(self, request: AskRequest) -> AsyncIterator[Scope]:
        scope = await asyncio.to_thread(open_scope, request, self.settings)
        try:
            yield scope
        finally:
            if scope.metrics is not None:
                scope.metrics.close()


def open_scope(request: AskRequest, settings: Settings) -> Scope:
    """What a question may look at: its bundle, its attachments, else the live systems.

    Raises ToolsError.
    """
    if request.bundle is not None:
        return open_bundle(request.bundle)
    if request.files or request.stdin_file is not None:
        return attach_files(request.files, request.stdin_file)
    return live_scope(settings, datetime.now(UTC))


def _with_earlier_evidence(request: AskRequest, turns: Sequence[StoredTurn]) -> AskRequest:
    """`request` on the last turn's bundle or files, when it brings nothing of its own."""
    if request.bundle or request.files or request.stdin_file or not turns:
        return request
    return replace(request, bundle=turns[-1].bundle, files=turns[-1].files)


def _stored(request: AskRequest, finished: TurnFinished) -> StoredTurn:
    return StoredTurn(
        request.question,
        finished.answer,
        request.bundle,
        request.files,
        request.turn,
        finished,
    )


def _finished(turn: Turn, draft: Draft, model: str) -> TurnFinished:
    meter = turn.meter
    approvals = tuple(turn.toolbox.approvals)
    is_waiting = any(approval.status == "pending" for approval in approvals)
    return TurnFinished(
        session=turn.session,
        answer=draft.answer,
        outcome="needs_approval" if is_waiting else "answered",
        citations=tuple(as_citation(item) for item in draft.evidence),
        tool_calls=tuple(turn.toolbox.calls),
        approvals=approvals,
        usage=TurnUsage(
            model=model,
            prompt_tokens=meter.prompt_tokens,
            cached_tokens=meter.cached_tokens,
            completion_tokens=meter.completion_tokens,
            ttft_s=meter.ttft_s,
            total_s=meter.total_s,
            phases_s=dict(meter.phases_s),
            model_calls=meter.model_calls,
        ),
    )
