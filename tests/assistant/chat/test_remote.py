from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage
from openai import OpenAIError

from assistant.chat.remote import RemoteChatModel, open_remote_model
from assistant.errors import ProviderError
from assistant.problems import Problem, describe
from assistant.settings import ModelSettings

from .completions import Completions, Refusal, Reply, serving

KEY = "sk-very-secret-0123456789"
LOOK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at something.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}


@asynccontextmanager
async def opened(base_url: str, **settings: Any) -> AsyncIterator[RemoteChatModel]:
    wanted = ModelSettings(name="big", provider="openai", base_url=base_url, **settings)
    # As the assistant does it: making the client takes a while.
    model = await asyncio.to_thread(open_remote_model, wanted, str)
    try:
        yield model
    finally:
        await model.aclose()


@asynccontextmanager
async def connected(server: Completions, **settings: Any) -> AsyncIterator[RemoteChatModel]:
    async with serving(server), opened(server.base_url, **settings) as model:
        yield model


async def answered(model: BaseChatModel, **options: Any) -> AIMessageChunk:
    whole = AIMessageChunk(content="")
    async for chunk in model.astream([HumanMessage("q")], **options):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    return whole


async def problem_of(model: BaseChatModel) -> Problem:
    with pytest.raises(OpenAIError) as caught:
        await answered(model)
    return describe(caught.value)


async def test_text_streams_and_usage_is_counted() -> None:
    server = Completions(Reply("The pool is exhausted."))
    async with connected(server, temperature=0.3, max_answer_tokens=99) as model:
        chunks = [chunk async for chunk in model.astream([HumanMessage("q")])]
    assert "".join(str(chunk.content) for chunk in chunks) == "The pool is exhausted."
    assert sum(bool(chunk.content) for chunk in chunks) > 2
    usage = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert [u["input_tokens"] for u in usage] == [100]
    assert usage[0]["input_token_details"]["cache_read"] == 40
    [request] = server.requests
    assert request["model"] == "big"
    assert request["temperature"] == 0.3
    assert request["max_completion_tokens"] == 99
    assert request["stream_options"] == {"include_usage": True}


async def test_calls_arrive_whole() -> None:
    calls = [("look", {"at": "naïve “x”"}), ("look", {"at": "y"})]
    async with connected(Completions(Reply(calls=calls))) as model:
        message = await answered(model.bind_tools([LOOK]))  # type: ignore[arg-type]
    assert [(call["name"], call["args"]) for call in message.tool_calls] == calls
    assert len({call["id"] for call in message.tool_calls}) == 2


async def test_key_comes_from_the_variable_that_the_settings_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    async with connected(Completions(Reply("yes"), key=KEY), api_key_env="SHOP_KEY") as model:
        assert (await answered(model)).content == "yes"
        assert KEY not in repr(model)


@pytest.mark.parametrize("value", [None, ""])
async def test_missing_key_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_KEY", value)
    with pytest.raises(ProviderError, match=r"\$SHOP_KEY, which is not set") as caught:
        async with opened("http://127.0.0.1:1/v1", api_key_env="SHOP_KEY"):
            pass
    assert "export SHOP_KEY" in caught.value.hint


async def test_key_of_the_environment_goes_nowhere_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Completions(Reply("yes"))
    async with connected(server) as model:
        await answered(model)
    assert KEY not in server.authorizations[0]


async def test_missing_address_is_refused() -> None:
    with pytest.raises(ProviderError, match="base_url is not set"):
        async with opened(""):
            pass


async def test_refused_key_is_said_without_the_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SHOP_KEY", KEY)
    server = Completions(key="another")
    async with connected(server, api_key_env="SHOP_KEY") as model:
        problem = await problem_of(model)
    assert server.authorizations == [f"Bearer {KEY}"]
    assert problem.message == "the model server refused the key"
    assert "api_key_env" in problem.hint
    assert KEY not in str(problem)


@pytest.mark.parametrize(
    ("refusal", "message", "hint"),
    [
        (Refusal(404, "no model big"), "does not know this model or address: no model big", "/v1"),
        (Refusal(400, "context of 4096 exceeded"), "status 400: context of 4096 exceeded", "log"),
        (
            Refusal(429, "slow down", {"retry-after-ms": "1", "Retry-After": "17"}),
            "takes no more requests at the moment",
            "try again in 17 s",
        ),
        (Refusal(503, "x" * 999, {"retry-after-ms": "1"}), "status 503: xxx", "log"),
    ],
)
async def test_refusals_are_one_sentence_and_a_next_step(
    refusal: Refusal, message: str, hint: str
) -> None:
    async with connected(Completions(*[refusal] * 3)) as model:
        problem = await problem_of(model)
    assert problem.code == "provider"
    assert message in problem.message
    assert len(problem.message) < 300
    assert hint in problem.hint


async def test_refusal_that_passes_is_tried_again() -> None:
    busy = Refusal(429, "slow down", {"retry-after-ms": "1"})
    server = Completions(busy, busy, Reply("there"))
    async with connected(server) as model:
        assert (await answered(model)).content == "there"
    assert len(server.requests) == 3


async def test_connection_that_breaks_off_is_an_error_not_a_short_answer() -> None:
    async with connected(Completions(Reply("half of a sentence, then no more", cut=True))) as model:
        problem = await problem_of(model)
    assert problem.code == "provider"
    assert "no whole answer came" in problem.message
    assert "closed" in problem.message


@pytest.mark.parametrize(
    "entry",
    [Reply("half of a sentence, then no more", ends_early=True), Refusal(200, "no chat here")],
)
async def test_answer_without_an_end_is_an_error(entry: Reply | Refusal) -> None:
    async with connected(Completions(entry, entry)) as model:
        with pytest.raises(ProviderError, match="no whole answer"):
            await answered(model)
        with pytest.raises(ProviderError, match="no whole answer"):
            await model.ainvoke([HumanMessage("q")])


async def test_whole_answers_are_streamed_as_well() -> None:
    server = Completions(Reply(calls=[("look", {"at": "x"})]))
    async with connected(server) as model:
        bound = model.bind_tools([LOOK], tool_choice="any")
        message = await bound.ainvoke([HumanMessage("q")], max_tokens=50)
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("look", {"at": "x"})]
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 10
    [request] = server.requests
    assert request["stream"] is True
    assert (request["tool_choice"], request["max_completion_tokens"]) == ("required", 50)


async def test_closing_the_stream_ends_the_servers_work() -> None:
    server = Completions(Reply("a long answer " * 20_000))
    async with connected(server) as model:
        stream = model.astream([HumanMessage("q")])
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            await server.was_left.wait()


async def test_server_that_is_not_there_is_named_by_its_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with opened(f"http://127.0.0.1:{port}/v1") as model:
            problem = await problem_of(model)
    assert problem.code == "provider"
    assert str(port) in problem.message
    assert "base_url" in problem.hint


async def test_server_on_this_machine_is_not_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with connected(Completions(Reply("yes"))) as model:
        assert (await answered(model)).content == "yes"


async def test_redirect_takes_the_conversation_nowhere_else() -> None:
    async with serving(Completions(Reply("elsewhere"))) as other:
        away = Refusal(307, "", {"Location": f"{other.base_url}/chat/completions"})
        async with connected(Completions(away)) as model:
            problem = await problem_of(model)
    assert other.requests == []
    assert "status 307" in problem.message


@pytest.mark.parametrize("body", ["data: [1]\n\n", "data: null\n\n", "data: {nope\n\n"])
async def test_answer_that_is_no_completion_is_an_error(body: str) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/event-stream")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", nonsense)
    async with TestServer(app) as server, opened(str(server.make_url("/v1"))) as model:
        with pytest.raises(ProviderError, match="is no chat completion"):
            await answered(model)
