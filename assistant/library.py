"""The knowledge base as a front asks for it: searching, and taking documents in with progress."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.interface import Found, IngestRequest, SearchRequest
from knowledge.ingest import IngestProgress, IngestReport

if TYPE_CHECKING:
    from assistant.settings import Settings
    from knowledge.base import KnowledgeBase

Progress = Callable[[IngestProgress], None]


@dataclass(frozen=True, slots=True)
class Library:
    """The part of an `Assistant` that needs no model: its knowledge base."""

    base: KnowledgeBase
    min_score: float
    """How likely a passage must be to be found."""

    async def search(self, request: SearchRequest) -> Found:
        """See `Assistant.search`."""
        return await asyncio.to_thread(self._search, request)

    def ingest(self, request: IngestRequest) -> AsyncGenerator[IngestProgress | IngestReport]:
        """See `Assistant.ingest`."""
        return _ingesting(self.base, request)

    def _search(self, request: SearchRequest) -> Found:
        passages = self.base.search(request.query, request.count, self.min_score, request.only)
        return Found(tuple(passages), self.base.is_empty())


@asynccontextmanager
async def open_library(settings: Settings) -> AsyncIterator[Library]:
    """The knowledge base of `settings`, without the rest of an assistant."""
    from assistant.live import open_runbooks, runbook_threshold

    with open_runbooks(settings) as base:
        yield Library(base, runbook_threshold(settings))


def _ingest(base: KnowledgeBase, request: IngestRequest, progress: Progress) -> IngestReport:
    """Take the documents in. Raises KnowledgeError and ToolsError."""
    from tools.logs.ingestion import list_logs

    if request.rebuild:
        return base.rebuild(progress, list_logs)
    if not request.paths:
        return base.refresh(progress, list_logs)
    if request.kind == "log":
        return base.ingest_from(*list_logs(request.paths), progress)
    kind = None if request.kind == "auto" else request.kind
    return base.ingest(request.paths, progress, kind)


async def _ingesting(
    base: KnowledgeBase, request: IngestRequest
) -> AsyncGenerator[IngestProgress | IngestReport]:
    """An ingest in a thread: how far it is, as it gets there, and the report."""
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[IngestProgress | None] = asyncio.Queue()

    def tell(progress: IngestProgress | None) -> None:
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(told.put_nowait, progress)

    def work() -> IngestReport:
        try:
            return _ingest(base, request, tell)
        finally:
            tell(None)

    working = asyncio.create_task(asyncio.to_thread(work))
    while (progress := await told.get()) is not None:
        yield progress
    yield await working
