"""`GET /metrics` for Prometheus and `GET /api/engine` for `midwatch top`."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from assistant.errors import MidwatchError
from assistant.observing.metrics import Metrics
from assistant.observing.server_view import ServerView, view_server

CountApprovals = Callable[[], Awaitable[int]]
"""How many approvals are pending."""

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}
}

_log = logging.getLogger(__name__)


def metrics_router(metrics: Metrics, count_approvals: CountApprovals) -> APIRouter:
    """`GET /metrics`."""
    router = APIRouter(tags=["observing"])

    @router.get("/metrics", response_class=Response, responses=_TEXT)
    async def read_metrics(request: Request) -> Response:
        """All metrics, in the text format of Prometheus or in OpenMetrics."""
        metrics.set_approvals_waiting(await _counted(count_approvals))
        accept = request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(metrics.render, accept)
        return Response(body, headers={"Content-Type": content_type})

    return router


def engine_router(metrics: Metrics, count_approvals: CountApprovals) -> APIRouter:
    """`GET /api/engine`."""
    router = APIRouter(tags=["observing"])

    @router.get("/api/engine")
    async def read_engine() -> ServerView:
        """Who runs and who waits in the engine, its cache, and the turns of the last minutes."""
        return view_server(metrics, await _counted(count_approvals))

    return router


async def _counted(count_approvals: CountApprovals) -> int | None:
    """The pending approvals; None when they cannot be read, which must not hide all the rest."""
    try:
        return await count_approvals()
    except (MidwatchError, sqlite3.Error, OSError) as error:
        _log.warning("the approvals could not be counted: %s", error)
        return None
