"""The middleware in front of a real app: ids, access lines, metrics."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from assistant.observing.logs import current_ids, json_logging
from assistant.observing.metrics import Metrics
from assistant.observing.request_watch import RequestWatch


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with json_logging(lambda text: text.replace("hunter2", "…"), logging.INFO, stream):
        yield stream


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(RequestWatch(_app(), metrics), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://midwatch") as client:
        yield client


def _app() -> FastAPI:
    app, router = FastAPI(), APIRouter()

    @router.get("/sessions/{name}")
    async def read(name: str) -> dict[str, Any]:
        in_thread = await asyncio.to_thread(lambda: dict(current_ids()))
        return {"name": name, "ids": in_thread}

    @router.get("/healthz")
    async def health() -> None:
        return None

    @router.get("/refuse")
    async def refuse() -> None:
        raise HTTPException(403)

    @router.get("/fail")
    async def fail() -> None:
        raise ZeroDivisionError("the password is hunter2")

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"12345"

        return StreamingResponse(parts())

    app.include_router(router, prefix="/api")
    return app


def lines(logged: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


def num_requests(metrics: Metrics, route: str, method: str, status: int) -> float | None:
    labels = {"route": route, "method": method, "status": str(status)}
    return metrics.registry.get_sample_value("midwatch_http_requests_total", labels)


async def test_an_id_is_made_returned_logged_and_known_within(
    client: httpx.AsyncClient, logged: io.StringIO
) -> None:
    answer = await client.get("/api/sessions/secret-name?token=abc")
    request_id = answer.headers["x-request-id"]
    assert len(request_id) == 32
    assert answer.json() == {"name": "secret-name", "ids": {"request": request_id}}
    [line] = lines(logged)
    assert line["request"] == request_id
    assert line["message"] == "GET /api/sessions/secret-name 200"
    assert (line["route"], line["level"]) == ("/api/sessions/{name}", "info")
    assert line["sent_bytes"] == len(answer.content)
    assert line["is_complete"] is True
    assert line["duration_s"] > 0
    assert "abc" not in logged.getvalue()
    assert (await client.get("/api/sessions/a")).headers["x-request-id"] != request_id


@pytest.mark.parametrize("given", ["a", "Req-1.2_3", "x" * 64])
async def test_an_id_that_was_given_is_kept(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/healthz", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", [b"", b"x" * 65, b"a b", b'a"', b"a;b", b"<b>", b"\xc3\xa9", b"a\tb", b"a\nb", b"a\n"]
)
async def test_an_id_of_another_form_is_replaced(client: httpx.AsyncClient, given: bytes) -> None:
    answer = await client.get("/api/healthz", headers={b"X-Request-Id": given})
    assert len(answer.headers["x-request-id"]) == 32


async def test_routes_are_counted_by_template(client: httpx.AsyncClient, metrics: Metrics) -> None:
    for name in ("a", "b", "c"):
        await client.get(f"/api/sessions/{name}")
    await client.get("/api/nowhere/1")
    await client.post("/api/refuse")
    await client.get("/api/refuse")
    await client.request("BREW", "/api/nowhere/2")
    assert num_requests(metrics, "/api/sessions/{name}", "GET", 200) == 3
    assert num_requests(metrics, "unmatched", "GET", 404) == 1
    assert num_requests(metrics, "/api/refuse", "GET", 403) == 1
    assert num_requests(metrics, "unmatched", "other", 404) == 1
    response = "midwatch_http_response_start_seconds_count"
    by_route = {"route": "/api/sessions/{name}"}
    assert metrics.registry.get_sample_value(response, by_route) == 3


async def test_a_failure_is_a_500_and_its_secrets_are_not_logged(
    client: httpx.AsyncClient, metrics: Metrics, logged: io.StringIO
) -> None:
    logging.getLogger("assistant.test").warning("hunter2 %s", "was typed")
    answer = await client.get("/api/fail")
    assert answer.status_code == 500
    assert num_requests(metrics, "/api/fail", "GET", 500) == 1
    assert lines(logged)[-1]["level"] == "warning"
    assert lines(logged)[0]["message"] == "… was typed"
    assert "hunter2" not in logged.getvalue()


async def test_a_stream_is_counted_whole(client: httpx.AsyncClient, logged: io.StringIO) -> None:
    await client.get("/api/stream")
    assert lines(logged)[0]["sent_bytes"] == 15


async def test_a_client_that_leaves_is_no_failure_of_ours(metrics: Metrics) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(3600)

    async def nothing(*_: object) -> Any:
        return {}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    task = asyncio.create_task(RequestWatch(never, metrics)(scope, nothing, nothing))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert num_requests(metrics, "unmatched", "GET", 499) == 1
    assert (
        metrics.registry.get_sample_value(
            "midwatch_http_response_start_seconds_count", {"route": "unmatched"}
        )
        is None
    )


async def test_an_app_that_fails_before_it_answers_is_a_500(
    metrics: Metrics, logged: io.StringIO
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def nothing(*_: object) -> Any:
        return {}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(ZeroDivisionError):
        await RequestWatch(fail, metrics)(scope, nothing, nothing)
    assert num_requests(metrics, "unmatched", "GET", 500) == 1
    assert lines(logged)[0]["is_complete"] is False


async def test_a_stream_that_breaks_off_is_not_complete(
    metrics: Metrics, logged: io.StringIO
) -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"12", "more_body": True})
        raise asyncio.CancelledError

    async def nothing(*_: object) -> Any:
        return {}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(asyncio.CancelledError):
        await RequestWatch(half, metrics)(scope, nothing, nothing)
    [line] = lines(logged)
    assert (line["message"], line["sent_bytes"]) == ("GET /x 200", 2)
    assert line["is_complete"] is False


async def test_probes_are_not_logged(metrics: Metrics, logged: io.StringIO) -> None:
    app = FastAPI()

    @app.get("/healthz")
    async def health() -> None:
        return None

    transport = httpx.ASGITransport(RequestWatch(app, metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://midwatch") as client:
        await client.get("/healthz")
    assert logged.getvalue() == ""
    assert num_requests(metrics, "/healthz", "GET", 200) == 1


async def test_what_is_no_request_passes_through(metrics: Metrics) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], send))

    async def send(message: Any) -> None: ...

    await RequestWatch(app, metrics)({"type": "lifespan"}, send, send)  # type: ignore[arg-type]
    assert seen == [("lifespan", send)]
