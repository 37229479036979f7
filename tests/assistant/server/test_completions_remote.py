from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from assistant.chat.remote import open_remote_model
from assistant.server.completions import ServedModel
from assistant.settings import ModelSettings
from tests.assistant.chat.completions import Completions, Refusal, Reply, serving
from tests.assistant.server.completions_app import HELLO, LOOK, Client, client_of, given


@asynccontextmanager
async def client_before(server: Completions) -> AsyncIterator[Client]:
    """A client of ours, which goes on to `server`; the word SECRET is one."""
    async with serving(server):
        wanted = ModelSettings(name="big", provider="openai", base_url=server.base_url)

        def redact(text: str) -> str:
            return text.replace("SECRET", "[gone]")

        model = await asyncio.to_thread(open_remote_model, wanted, redact)
        try:
            async with client_of(ServedModel("big", given(model))) as client:
                yield client
        finally:
            await model.aclose()


async def test_answer_is_passed_on_with_what_it_cost() -> None:
    server = Completions(Reply("The pool is empty."), Reply("The pool is empty.", finish="length"))
    async with client_before(server) as client:
        whole = await client.answer()
        chunks = await client.chunks(stream_options={"include_usage": True})
    assert whole["choices"][0]["message"]["content"] == "The pool is empty."
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 40}
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (100, 10)
    texts = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
    assert "".join(texts) == "The pool is empty."
    assert sum(bool(text) for text in texts) > 1
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"] == whole["usage"]


async def test_fields_are_passed_on() -> None:
    server = Completions(Reply("x"))
    schema = {"name": "it", "schema": {"type": "object", "properties": {}}, "strict": True}
    wanted: dict[str, Any] = {
        "temperature": 0.4,
        "top_p": 0.8,
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "stop": ["a"],
        "tools": [LOOK],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": schema},
        "min_p": 0.05,
        "repetition_penalty": 1.2,
    }
    async with client_before(server) as client:
        await client.answer(**wanted, max_tokens=33)
    [request] = server.requests
    assert {name: request.get(name) for name in wanted} == wanted
    assert request["max_completion_tokens"] == 33
    assert "min_p" in request


async def test_calls_are_passed_on_in_pieces_and_whole() -> None:
    calls = [("look", {"at": "x"}), ("look", {"at": "y"})]
    server = Completions(Reply(calls=calls), Reply(calls=calls))
    async with client_before(server) as client:
        whole = await client.answer(tools=[LOOK])
        chunks = await client.chunks(tools=[LOOK])
    made = whole["choices"][0]["message"]["tool_calls"]
    told = [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in made]
    assert told == calls
    assert whole["choices"][0]["finish_reason"] == "tool_calls"
    pieces = [p for c in chunks for p in c["choices"][0]["delta"].get("tool_calls", [])]
    for index, (name, arguments) in enumerate(calls):
        of_call = [piece for piece in pieces if piece["index"] == index]
        assert [piece["function"].get("name") for piece in of_call if "id" in piece] == [name]
        text = "".join(piece["function"]["arguments"] for piece in of_call)
        assert json.loads(text) == arguments


async def test_what_leaves_is_redacted() -> None:
    server = Completions(Reply("x"))
    called = {"id": "c", "type": "function", "function": {"name": "look", "arguments": ""}}
    called["function"] = {"name": "look", "arguments": '{"at": "SECRET"}'}
    async with client_before(server) as client:
        await client.answer(
            messages=[
                {"role": "system", "content": "SECRET"},
                {"role": "user", "content": [{"type": "text", "text": "SECRET"}]},
                {"role": "assistant", "content": "SECRET", "tool_calls": [called]},
                {"role": "tool", "content": "SECRET", "tool_call_id": "c"},
            ]
        )
    sent = json.dumps(server.requests)
    assert "SECRET" not in sent
    assert sent.count("[gone]") == 5


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (Refusal(400, "too long"), 400, "provider_refused"),
        (Refusal(401, "no"), 502, "provider"),
        (Refusal(404, "no model"), 502, "provider"),
        (Refusal(429, "slow", {"retry-after-ms": "1", "Retry-After": "9"}), 429, "provider_busy"),
        (Refusal(500, "oh", {"retry-after-ms": "1"}), 502, "provider"),
    ],
)
async def test_refusals_have_a_status_that_says_whose_they_are(
    refusal: Refusal, status: int, code: str
) -> None:
    async with client_before(Completions(*[refusal] * 3)) as client:
        response = await client.post(stream=True)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers.get("retry-after") == ("9" if status == 429 else None)


async def test_answer_that_breaks_off_is_an_error_in_the_stream() -> None:
    reply = Reply("a long sentence that is never ended, as it breaks off", cut=True)
    async with client_before(Completions(reply)) as client:
        response = await client.post(stream=True)
    last = json.loads(response.text.split("\n\n")[-2].removeprefix("data: "))
    assert response.status_code == 200
    assert last["error"]["code"] == "provider"
    assert "[DONE]" not in response.text


async def test_hello_reaches_the_server() -> None:
    server = Completions(Reply("x"))
    async with client_before(server) as client:
        await client.answer()
    assert server.requests[0]["messages"] == HELLO
    assert server.requests[0]["model"] == "big"
