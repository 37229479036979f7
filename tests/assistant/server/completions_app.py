"""An app with the OpenAI-compatible endpoints over models of a test's choosing."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from langchain_core.language_models import BaseChatModel

from assistant.chat.local import LocalChatModel
from assistant.engine import json_schema
from assistant.engine.errors import EngineError
from assistant.engine.interface import Finished, GenerateRequest, TextDelta
from assistant.server.completions import ServedModel, completions_router
from tests.assistant.chat.scripted import ScriptedEngine

PATH = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "hello"}]
LOOK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at something.",
        "parameters": {
            "type": "object",
            "properties": {"at": {"type": "string"}},
            "required": ["at"],
        },
    },
}
REST: dict[str, Any] = {"type": "function", "function": {"name": "rest"}}


class StrictEngine(ScriptedEngine):
    """One that makes real grammars, and may fail: at once, or after the text of its script."""

    fails_with: EngineError | None = None
    fails_late: EngineError | None = None

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        return json_schema.grammar_of(schema)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        if self.fails_with is not None:
            raise self.fails_with
        async for event in super().generate(request):
            if isinstance(event, Finished) and self.fails_late is not None:
                raise self.fails_late
            yield event


class Client:
    """Posts completions and takes the answers apart."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, **body: Any) -> httpx.Response:
        return await self.http.post(PATH, json={"messages": HELLO, **body})

    async def answer(self, **body: Any) -> Any:
        response = await self.post(**body)
        assert response.status_code == 200, response.text
        return response.json()

    async def error(self, **body: Any) -> tuple[int, dict[str, Any]]:
        response = await self.post(**body)
        return response.status_code, response.json()["error"]

    async def chunks(self, **body: Any) -> list[dict[str, Any]]:
        response = await self.post(stream=True, **body)
        assert response.headers["content-type"].startswith("text/event-stream"), response.text
        data = [event.removeprefix("data: ") for event in response.text.split("\n\n") if event]
        assert data.pop() == "[DONE]"
        return [json.loads(text) for text in data]


def given(model: BaseChatModel) -> Callable[[], Awaitable[BaseChatModel]]:
    async def get() -> BaseChatModel:
        return model

    return get


def no_secrets(text: str) -> str:
    return text.replace("hunter2", "[secret]")


def app_of(*models: ServedModel) -> FastAPI:
    app = FastAPI()
    app.include_router(completions_router(models, redact=no_secrets))
    return app


@asynccontextmanager
async def client_of(*models: ServedModel) -> AsyncIterator[Client]:
    transport = httpx.ASGITransport(app_of(*models))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
        yield Client(http)


@asynccontextmanager
async def client_for(engine: ScriptedEngine, **options: Any) -> AsyncIterator[Client]:
    model = LocalChatModel(engine=engine, **options)
    async with client_of(ServedModel("small", given(model))) as client:
        yield client
