"""Requests that nobody would think of, made from the server's own description."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck
from hypothesis import settings as how_often
from schemathesis.checks import not_a_server_error

from assistant.local import open_local_assistant
from assistant.server.app import create_app
from assistant.server.auth import Principal
from assistant.server.serving import listen_tcp
from assistant.settings import DataSettings, HostSettings, Settings
from tests.assistant.serving import state_for

TOKEN = "everything"
ALL = Principal("all", frozenset({"admin"}), front="slack")


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """It runs in a thread."""


async def _no_model(_: Settings) -> Any:
    raise AssertionError("without evidence no model is asked")


async def _serve(folder: Path, started: threading.Event, servers: list[Any]) -> None:
    settings = Settings(data=DataSettings(dir=folder / "data"), host=HostSettings(look=False))
    async with open_local_assistant(settings, _no_model) as assistant:
        app: FastAPI = create_app(
            state_for(assistant, folder), "", {TOKEN: ALL}.get, lambda text: text
        )
        with listen_tcp("127.0.0.1:0") as opened:
            configuration = uvicorn.Config(app, lifespan="off", log_config=None)
            server = _Server(configuration)
            servers += [server, opened.getsockname()[1]]
            started.set()
            await server._serve([opened])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    started, servers = threading.Event(), []
    work = _serve(tmp_path_factory.mktemp("schema"), started, servers)
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    assert started.wait(60)
    server, port = servers
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def description(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@how_often(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_nothing_makes_the_server_fail(case: schemathesis.Case) -> None:
    response = case.call(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
    assert response.status_code != 401
    case.validate_response(response, checks=[not_a_server_error])
