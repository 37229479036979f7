"""`/api/knowledge`: searching, and taking documents in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from assistant import wire
from assistant.errors import NotAllowed
from assistant.interface import Assistant, IngestRequest, SearchRequest
from assistant.problems import describe
from assistant.server.auth import MayAsk, MayIngest
from assistant.server.bodies import IngestBody, Name
from assistant.server.state import State
from assistant.server.streaming import as_chunk
from assistant.server.turns import numbered
from knowledge.catalog import Filter
from knowledge.documents import Kind

router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])


@router.get("/search")
async def search(
    caller: MayAsk,
    state: State,
    q: Annotated[str, Query(min_length=1, max_length=10_000)],
    k: Annotated[int, Query(ge=1, le=50)] = 5,
    path: Annotated[list[Name], Query(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
    kind: Annotated[list[Kind], Query(max_length=10)] = [],  # noqa: B006
    service: Annotated[list[Name], Query(max_length=50)] = [],  # noqa: B006
    since: datetime | None = None,
) -> dict[str, Any]:
    """The passages that answer a query; none when nothing does."""
    only = Filter(tuple(path), tuple(kind), tuple(service), since)
    started = time.monotonic()
    found: dict[str, Any] = wire.written(await state.assistant.search(SearchRequest(q, k, only)))
    state.watch.metrics.retrieved(time.monotonic() - started)
    return found


@router.post("/ingest", response_class=StreamingResponse)
async def ingest(body: IngestBody, caller: MayIngest, state: State) -> StreamingResponse:
    """Take documents in: events of how far it is, and its report."""
    if not caller.is_local and body.paths:
        raise NotAllowed(
            "paths are the server's, and only for callers on its socket",
            "leave the paths out: what was taken in before is read again",
        )
    request = IngestRequest(body.paths, body.kind, body.rebuild)
    return StreamingResponse(_told(state.assistant, request), media_type="text/event-stream")


async def _told(assistant: Assistant, request: IngestRequest) -> AsyncIterator[bytes]:
    number = 0
    try:
        async for told in assistant.ingest(request):
            number += 1
            yield as_chunk(numbered(number, type(told).__name__, wire.written(told)))
    except Exception as error:  # noqa: BLE001 - the edge: the stream has begun
        problem = wire.written(describe(error))
        yield as_chunk(numbered(number + 1, "Failed", problem))
