from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from assistant.errors import DataFolderError
from assistant.observing.metrics import Metrics
from assistant.server.observing_routes import engine_router, metrics_router
from tests.assistant.observing.scene import BUSY


async def three() -> int:
    return 3


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3", lambda: {"small": BUSY})


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(metrics_router(metrics, three))
    app.include_router(engine_router(metrics, three))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://midwatch") as client:
        yield client


async def test_metrics_are_what_prometheus_reads(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "midwatch_approvals_waiting 3.0" in answer.text
    assert 'midwatch_engine_kv_cells_used{model="small"} 2048.0' in answer.text
    assert "process_resident_memory_bytes" in answer.text


async def test_the_engine_as_json(client: httpx.AsyncClient, metrics: Metrics) -> None:
    metrics.turn("cli")
    view = (await client.get("/api/engine")).json()
    assert view["version"] == "1.2.3"
    assert view["uptime_s"] > 0
    assert (view["turns_waiting"], view["turns_running"], view["event_streams"]) == (1, 0, 0)
    assert view["approvals_waiting"] == 3
    assert view["recent"]["num_turns"] == 0
    [engine] = view["engines"]
    assert (engine["model"], engine["num_used_cells"], engine["max_running"]) == ("small", 2048, 16)
    assert [(r["state"], r["request_class"]) for r in engine["requests"]] == [
        ("decode", "chat"),
        ("waiting", "background"),
    ]
    assert engine["requests"][0] == {
        "state": "decode",
        "request_class": "chat",
        "num_prompt_tokens": 700,
        "num_cached_tokens": 650,
        "num_computed_tokens": 760,
        "num_new_tokens": 61,
        "max_new_tokens": 256,
        "age_s": 2.5,
    }


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("database is locked"), DataFolderError("x"), OSError("x")]
)
async def test_approvals_that_cannot_be_read_hide_nothing_else(
    metrics: Metrics, error: Exception
) -> None:
    async def fail() -> int:
        raise error

    app = FastAPI()
    app.include_router(metrics_router(metrics, fail))
    app.include_router(engine_router(metrics, fail))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://midwatch") as client:
        text = (await client.get("/metrics")).text
        assert "midwatch_approvals_waiting NaN" in text
        assert "midwatch_engine_kv_cells{" in text
        assert (await client.get("/api/engine")).json()["approvals_waiting"] is None
