"""A real HTTP server with the routes of this package, on a port of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from assistant.observing.metrics import Metrics
from assistant.observing.request_watch import RequestWatch
from assistant.server.observing_routes import engine_router, metrics_router
from tests.tools.metrics.prometheus_server import free_port

_START_LIMIT_S = 30.0


@contextmanager
def served(metrics: Metrics, approvals: int = 0) -> Iterator[str]:
    """The address of a server that tells of `metrics`."""

    async def count() -> int:
        return approvals

    app = FastAPI()
    app.include_router(metrics_router(metrics, count))
    app.include_router(engine_router(metrics, count))
    port = free_port()
    config = uvicorn.Config(
        RequestWatch(app, metrics),
        port=port,
        lifespan="off",
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + _START_LIMIT_S
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
