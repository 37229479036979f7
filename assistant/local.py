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
)
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.acting.deciding import Deciding
from assistant.acting.office import Office, OfficeOnDemand, as_event
from assistant.acting.ordering import order
from assistant.acting.telling import resumption
from assistant.agent.question import understand
from assistant.agent.toolbox import Emit
from assistant.agent.turn import Draft, ModelSource, Strategy, Turn
from assistant.answering import Answering
from assistant.answers.cache import AnswerCache
from assistant.answers.tool_results import ToolResults
from assistant.approvals.approval import Approval
from assistant.archive import Archive
from assistant.chat.local import LocalChatModel
from assistant.engine.interface import Engine, EngineStatus
from assistant.events import Event, TurnFailed, TurnFinished, TurnStarted
from assistant.interface import (
    AskRequest,
    Conversation,
    DecideRequest,
    Found,
    IngestRequest,
    OrderRequest,
    RunRequest,
    SearchRequest,
)
from assistant.library import Library
from assistant.light import LightLoader, LightWork
from assistant.live import open_runbooks, runbook_threshold
from assistant.loading import LentModel, ModelOnDemand
from assistant.problems import describe
from assistant.providers import open_light_model, open_local_model
from assistant.redacting import cleaned, open_redactor
from assistant.routing.router import Router
from assistant.routing.rules import Work
from assistant.sessions import SessionInfo, SessionStore, StoredTurn
from assistant.settings import Settings
from assistant.storage import session_store
from knowledge.ingest import IngestProgress, IngestReport
from tools.scope import Scope
from tools.window import parse_duration

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from assistant.chat.remote import RemoteChatModel
    from knowledge.base import KnowledgeBase

_log = logging.getLogger(__name__)

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
        strategy: Strategy,
    ) -> None:
        self._settings = settings
        self._store = store
        self._runbooks = runbooks
        self._model = model
        self._light = LightWork(settings, load_light, store)
        self._strategy = strategy
        self._redact = open_redactor(settings).redact
        self._archive = Archive(store, self._redact)
        self._library = Library(runbooks, runbook_threshold(settings))
        self._offices = OfficeOnDemand(settings, self._redact)
        self._router = Router(settings, model, self._redact)
        self._answers = _answer_cache(settings)
        self._answering = Answering(
            settings,
            self._strategy,
            strategy_name(settings),
            store,
            runbooks,
            self._router,
            self._offices,
            self._redact,
            self._answers,
            ToolResults(),
        )

    async def prepare(self) -> None:
        """Load the model now, instead of at the first question. Raises what loading fails with."""
        await self._model.get()

    async def chat_model(self) -> LocalChatModel | RemoteChatModel:
        """The model itself, for programs that want no assistant. Raises as `prepare` does."""
        model: LocalChatModel | RemoteChatModel = await self._model.get()
        return model

    @property
    def store(self) -> SessionStore:
        """The sessions, for whoever answers for several clients."""
        return self._store

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
        deleted = await self._archive.delete(session)
        if self._answers is not None:
            await asyncio.to_thread(self._answers.forget_session, deleted)
        return deleted

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
        await self._router.aclose()
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
                    is_first = not await self._store.turns(session)
                    finished = await self._answering.answer(session, request, emit)
                if self._settings.model.light and is_first:
                    kept = StoredTurn(request.question, finished.answer)
                    self._light.begin_title(session, kept)
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
        toolbox = self._answering.toolbox(scope, ledger, emit, session)
        said = self._redact(_as_said(request))
        turn = Turn(session, understand(said, scope.now), toolbox, emit)
        emit(TurnStarted(session, said))
        # What was found before an act says nothing of what is there after it.
        self._answering.results.forget()
        approval = await Deciding(office, request, turn).settle()
        self._answering.results.forget()
        draft = Draft("".join(turn.shown), tuple(ledger))
        if is_known and approval.status != "pending":
            going_on = resumption(approval, draft.answer, goes_on=request.goes_on)
            chosen = self._router.turn(Work())
            turn.model = chosen.get
            if going_on.is_open:
                chosen.begin()
            draft = await self._strategy.resume(turn, going_on)
        toolbox.approvals.append(as_event(approval))
        finished = self._answering.finished(turn, draft, self._settings.model.name)
        if is_known and approval.status != "pending":
            kept = StoredTurn(said, draft.answer, id=request.turn, finished=finished)
            await self._store.keep(session, kept, ledger)
        return finished


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
    from assistant.agent.saver import open_saver

    async with session_store(settings) as store:
        runbooks = open_runbooks(settings)
        chat_model = model or ModelOnDemand(partial(load, settings))
        strategy = _strategy(settings, chat_model.get, await open_saver(store))
        assistant = LocalAssistant(settings, store, runbooks, chat_model, load_light, strategy)
        try:
            yield assistant
        finally:
            await assistant.aclose()


def strategy_name(settings: Settings) -> str:
    """The strategy that the settings choose."""
    if settings.agent.strategy != "auto":
        return settings.agent.strategy
    return "bounded" if settings.model.provider == "local" else "free"


def _strategy(settings: Settings, model: ModelSource, saver: BaseCheckpointSaver[str]) -> Strategy:
    if strategy_name(settings) == "free":
        from assistant.agent.free import FreeStrategy

        return FreeStrategy(model, saver)
    from assistant.agent.bounded import BoundedStrategy

    return BoundedStrategy(model, saver, settings.agent.max_drilldowns)


def _answer_cache(settings: Settings) -> AnswerCache | None:
    chosen = settings.answers
    if not chosen.cache:
        return None
    max_age_s = parse_duration(chosen.max_age).total_seconds()
    return AnswerCache(settings.data.dir, chosen.max_mib << 20, max_age_s)
