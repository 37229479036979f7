"""`LocalAssistant`: the assistant in this process.

It owns the model, the sessions and the knowledge base, and puts a turn together: it opens the scope
that the question is about, runs a strategy, and passes on what happens as events. The model loads
while the logs are read, because reading them does not need it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.acting.deciding import Deciding
from assistant.acting.office import Office, OfficeOnDemand, Proposing, as_event
from assistant.acting.ordering import order
from assistant.acting.telling import resumption
from assistant.agent.instructions import read_instructions
from assistant.agent.question import understand
from assistant.agent.report import as_citation
from assistant.agent.toolbox import Emit, Toolbox
from assistant.agent.turn import Draft, ModelSource, Strategy, Turn
from assistant.approvals.approval import Approval
from assistant.approvals.person import system_person
from assistant.archive import Archive
from assistant.chat.local import LocalChatModel
from assistant.engine.interface import Engine, EngineStatus, Priority
from assistant.events import Event, TurnFailed, TurnFinished, TurnStarted, TurnUsage
from assistant.interface import (
    AskRequest,
    Conversation,
    DecideRequest,
    Found,
    IngestRequest,
    OrderRequest,
    RunRequest,
    SearchRequest,
    Urgency,
)
from assistant.library import Library
from assistant.light import LightLoader, LightWork
from assistant.live import live_scope, open_runbooks, runbook_threshold
from assistant.loading import LentModel, ModelOnDemand
from assistant.problems import describe
from assistant.providers import open_light_model, open_local_model
from assistant.redacting import cleaned, cleaned_ending, open_redactor
from assistant.sessions import SessionInfo, SessionStore, StoredTurn, open_sessions
from assistant.settings import Settings
from assistant.spool import live_logs
from knowledge.ingest import IngestProgress, IngestReport
from tools.bundle import attach_files, open_bundle
from tools.evidence import Ledger
from tools.scope import Scope
from tools.window import Window, window_since

if TYPE_CHECKING:
    from assistant.chat.remote import RemoteChatModel
    from knowledge.base import KnowledgeBase

_log = logging.getLogger(__name__)

_PRIORITIES: dict[Urgency, Priority] = {
    "alert": Priority.ALERT,
    "chat": Priority.CHAT,
    "background": Priority.BACKGROUND,
}

ModelLoader = Callable[[Settings], Coroutine[Any, Any, "LocalChatModel | RemoteChatModel"]]
"""Opens the chat model that the settings name."""
ChatModelSource = ModelOnDemand[Any] | LentModel[Any]
"""The chat model, loaded when it is first wanted: one's own, or one that several share."""


async def load_model(
    settings: Settings, *, is_brief: bool = False
) -> LocalChatModel | RemoteChatModel:
    """The chat model; a local one with the prefix of every conversation already computed.

    `is_brief` is for a process that answers one question: see `open_local_model`.
    """
    if settings.model.provider == "openai":
        from assistant.chat.remote import open_remote_model

        redact = open_redactor(settings).redact
        return await asyncio.to_thread(open_remote_model, settings.model, redact)
    model = await open_local_model(settings, is_brief=is_brief)
    if strategy_name(settings) == "bounded":
        from assistant.agent.bounded import TOOLS
        from assistant.agent.prompt import SYSTEM

        try:
            await model.warm(SYSTEM, TOOLS)
        except BaseException:
            # A thread that still computes when the process ends takes it down with a signal.
            await model.aclose()
            raise
    return model


class LocalAssistant:
    """An `Assistant` in this process; open it with `open_local_assistant`."""

    def __init__(
        self,
        settings: Settings,
        store: SessionStore,
        runbooks: KnowledgeBase,
        model: ChatModelSource,
        load_light: LightLoader,
    ) -> None:
        self._settings = settings
        self._store = store
        self._runbooks = runbooks
        self._model = model
        self._light = LightWork(settings, load_light, store)
        self._strategy = _strategy(settings, self._model.get, store)
        self._redact = open_redactor(settings).redact
        self._archive = Archive(store, self._redact)
        self._library = Library(runbooks, runbook_threshold(settings))
        self._offices = OfficeOnDemand(settings, self._redact)

    async def prepare(self) -> None:
        """Load the model now, instead of at the first question. Raises what loading fails with."""
        await self._model.get()

    async def chat_model(self) -> LocalChatModel | RemoteChatModel:
        """The model itself, for programs that want no assistant. Raises as `prepare` does."""
        model: LocalChatModel | RemoteChatModel = await self._model.get()
        return model

    def engines(self) -> dict[str, EngineStatus]:
        """The engines that are loaded, by the names of their models; from any thread."""
        loaded = self._model.loaded
        if not isinstance(loaded, LocalChatModel):
            return {}
        engine: Engine = loaded.engine
        return {self._settings.model.name: engine.status()}

    async def ask(self, request: AskRequest) -> AsyncGenerator[Event]:
        """See `Assistant.ask`."""
        async with aclosing(self._events(partial(self._answer, request))) as events:
            async for event in events:
                yield event

    async def decide(self, request: DecideRequest) -> AsyncGenerator[Event]:
        """See `Assistant.decide`."""
        async with aclosing(self._events(partial(self._answer_decision, request))) as events:
            async for event in events:
                yield event

    async def order(self, request: OrderRequest | RunRequest) -> Approval:
        """See `Assistant.order`."""
        return await asyncio.to_thread(lambda: order(self._offices.get(), request))

    async def approvals(self, session: str | None = None) -> list[Approval]:
        """See `Assistant.approvals`."""
        return await asyncio.to_thread(lambda: self._offices.get().desk.all(session))

    async def sessions(self) -> list[SessionInfo]:
        """See `Assistant.sessions`."""
        return await self._archive.sessions()

    async def conversation(self, session: str) -> Conversation:
        """See `Assistant.conversation`."""
        return await self._archive.conversation(session)

    async def rename(self, session: str, title: str) -> None:
        """See `Assistant.rename`."""
        await self._archive.rename(session, title)

    async def delete(self, session: str) -> str:
        """See `Assistant.delete`."""
        return await self._archive.delete(session)

    async def search(self, request: SearchRequest) -> Found:
        """See `Assistant.search`."""
        return await self._library.search(request)

    def ingest(self, request: IngestRequest) -> AsyncGenerator[IngestProgress | IngestReport]:
        """See `Assistant.ingest`."""
        return self._library.ingest(request)

    async def aclose(self) -> None:
        """See `Assistant.aclose`."""
        await asyncio.to_thread(self._offices.close)
        await self._light.aclose()
        await self._model.aclose()
        self._runbooks.close()

    async def _events(
        self, work: Callable[[Emit], Coroutine[Any, Any, None]]
    ) -> AsyncGenerator[Event]:
        """What `work` emits, without secrets, until the turn's end; closing it cancels the work."""
        events: asyncio.Queue[Event] = asyncio.Queue()
        worker = asyncio.create_task(work(events.put_nowait))
        try:
            while True:
                event = cleaned(await events.get(), self._redact)
                yield event
                if isinstance(event, TurnFinished | TurnFailed):
                    break
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    async def _answer(self, request: AskRequest, emit: Emit) -> None:
        with _failures_as_events(emit, request.session or "") as known:
            session = await self._store.resolve(
                request.session, continue_last=request.continue_last
            )
            known.session = session
            request = replace(request, question=self._redact(request.question))
            async with self._store.answering(session):
                with self._light.held_back():
                    finished = await self._run(session, request, emit)
                emit(finished)

    async def _answer_decision(self, request: DecideRequest, emit: Emit) -> None:
        with _failures_as_events(emit, "") as known:
            office = await asyncio.to_thread(self._offices.get)
            approval = await asyncio.to_thread(office.desk.get, request.approval)
            session = known.session = approval.request.session
            is_known = any(info.id == session for info in await self._store.all())
            held = self._store.answering(session) if is_known else contextlib.nullcontext()
            async with held:
                with self._light.held_back():
                    finished = await self._decide(office, session, request, emit, is_known=is_known)
                emit(finished)

    async def _decide(
        self, office: Office, session: str, request: DecideRequest, emit: Emit, *, is_known: bool
    ) -> TurnFinished:
        ledger = await self._store.ledger(session)
        scope = Scope("live", datetime.now(UTC))
        toolbox = self._toolbox(scope, ledger, emit, session)
        said = self._redact(_as_said(request))
        turn = Turn(session, understand(said, scope.now), toolbox, emit)
        emit(TurnStarted(session, said))
        approval = await Deciding(office, request, turn).settle()
        draft = Draft("".join(turn.shown), tuple(ledger))
        if is_known and approval.status != "pending":
            going_on = resumption(approval, draft.answer, goes_on=request.goes_on)
            if going_on.is_open:
                self._model.begin()
            draft = await self._strategy.resume(turn, going_on)
        toolbox.approvals.append(as_event(approval))
        finished = self._finished(turn, draft)
        if is_known and approval.status != "pending":
            kept = StoredTurn(said, draft.answer, id=request.turn, finished=finished)
            await self._store.keep(session, kept, ledger)
        return finished

    def _toolbox(self, scope: Scope, ledger: Ledger, emit: Emit, session: str) -> Toolbox:
        threshold = runbook_threshold(self._settings)
        return Toolbox(
            scope, self._runbooks, threshold, ledger, emit, redact=self._redact, session=session
        )

    def _instructions(self) -> tuple[str, ...]:
        """The team's rules as they are now. Raises SettingsError."""
        file = self._settings.agent.instructions
        return read_instructions(file) if file is not None else ()

    async def _run(self, session: str, request: AskRequest, emit: Emit) -> TurnFinished:
        turns = await self._store.turns(session)
        request = _with_earlier_evidence(request, turns)
        async with self._scope(request) as scope:
            return await self._answer_from(scope, session, request, turns, emit)

    @asynccontextmanager
    async def _scope(self, request: AskRequest) -> AsyncIterator[Scope]:
        scope = await asyncio.to_thread(open_scope, request, self._settings)
        try:
            yield scope
        finally:
            if scope.metrics is not None:
                scope.metrics.close()

    async def _answer_from(
        self,
        scope: Scope,
        session: str,
        request: AskRequest,
        turns: Sequence[StoredTurn],
        emit: Emit,
    ) -> TurnFinished:
        # Evidence that cannot be opened is said at once; from here on the model is wanted.
        self._model.begin()
        ledger = await self._store.ledger(session)
        toolbox = self._toolbox(scope, ledger, emit, session)
        if scope.origin == "live":
            person = request.person or system_person("cli")
            toolbox.actions = Proposing(self._offices, person, len(turns) + 1)
        earlier = [turn.question for turn in turns]
        since = understand(request.question, scope.now).since or self._settings.logs.window
        emit(TurnStarted(session, request.question))
        async with live_logs(toolbox, self._settings, since):
            names = list(toolbox.scope.logs)
            question = understand(request.question, scope.now, earlier, names)
            if scope.origin == "live" and not question.since:
                window = Window(window_since(scope.now, since).start, question.window.end)
                question = replace(question, since=since, window=window)
            priority = _PRIORITIES[request.urgency]
            rules = self._instructions()
            turn = Turn(session, question, toolbox, emit, instructions=rules, priority=priority)
            draft = await self._strategy.answer(turn)
        finished = self._finished(turn, draft)
        kept = StoredTurn(
            request.question, draft.answer, request.bundle, request.files, request.turn, finished
        )
        await self._store.keep(session, kept, ledger)
        if self._settings.model.light and not turns:
            self._light.begin_title(session, kept)
        return finished

    def _finished(self, turn: Turn, draft: Draft) -> TurnFinished:
        """The turn's last event, as it is kept and as fronts get it."""
        return cleaned_ending(_finished(turn, draft, self._settings.model.name), self._redact)


@dataclass(slots=True)
class _Known:
    """The session of a turn, as far as it is known."""

    session: str


@contextmanager
def _failures_as_events(emit: Emit, session: str) -> Iterator[_Known]:
    """The edge of a turn: whatever goes wrong within ends it with an event."""
    known = _Known(session)
    try:
        yield known
    except asyncio.CancelledError:
        emit(TurnFailed(known.session, "cancelled", "the question was cancelled"))
        raise
    except Exception as error:  # noqa: BLE001 - every failure becomes an event
        problem = describe(error)
        if problem.code == "internal":
            _log.exception("a turn failed")
        emit(TurnFailed(known.session, problem.code, problem.message, problem.hint))


def _as_said(request: DecideRequest) -> str:
    """The decision as a turn of the conversation shows it."""
    note = f": {request.note}" if request.note else ""
    return f"{request.verdict.capitalize()} {request.approval}{note}"


def _with_earlier_evidence(request: AskRequest, turns: Sequence[StoredTurn]) -> AskRequest:
    """`request` on the last turn's bundle or files, when it brings nothing of its own."""
    if request.bundle or request.files or request.stdin_file or not turns:
        return request
    return replace(request, bundle=turns[-1].bundle, files=turns[-1].files)


def open_scope(request: AskRequest, settings: Settings) -> Scope:
    """What a question may look at: its bundle, its attachments, else the live systems.

    Raises ToolsError.
    """
    if request.bundle is not None:
        return open_bundle(request.bundle)
    if request.files or request.stdin_file is not None:
        return attach_files(request.files, request.stdin_file)
    return live_scope(settings, datetime.now(UTC))


@asynccontextmanager
async def open_local_assistant(
    settings: Settings,
    load: ModelLoader = load_model,
    load_light: LightLoader = open_light_model,
    model: ChatModelSource | None = None,
) -> AsyncIterator[LocalAssistant]:
    """The assistant on `settings`, loading its models behind the scenes. Raises DataFolderError.

    With `model`, it uses that one instead of loading its own.
    """
    async with open_sessions(settings.data.dir) as store:
        runbooks = open_runbooks(settings)
        chat_model = model or ModelOnDemand(partial(load, settings))
        assistant = LocalAssistant(settings, store, runbooks, chat_model, load_light)
        try:
            yield assistant
        finally:
            await assistant.aclose()


def strategy_name(settings: Settings) -> str:
    """The strategy that the settings choose."""
    if settings.agent.strategy != "auto":
        return settings.agent.strategy
    return "bounded" if settings.model.provider == "local" else "free"


def _strategy(settings: Settings, model: ModelSource, store: SessionStore) -> Strategy:
    if strategy_name(settings) == "free":
        from assistant.agent.free import FreeStrategy

        return FreeStrategy(model, store.checkpoints)
    from assistant.agent.bounded import BoundedStrategy

    return BoundedStrategy(model, store.checkpoints, settings.agent.max_drilldowns)


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
