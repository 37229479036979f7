"""The endpoints on the real 0.5B model, as the client library of OpenAI sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio
import uvicorn
from jsonschema import validate
from openai import AsyncOpenAI

from assistant.chat.local import LocalChatModel
from assistant.engine.batch import BatchEngine
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.server.completions import ServedModel
from tests.assistant.server.completions_app import app_of, given

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]

CONTEXT_TOKENS = 1024
PREFIX = "You are an on-call assistant. Answer in one short sentence, in plain words. " * 5
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    },
}
CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 30},
        "population": {"type": "integer", "minimum": 0},
        "is_capital": {"type": "boolean"},
    },
    "required": ["city", "population", "is_capital"],
    "additionalProperties": False,
}
NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 900, "maxItems": 900}
ENDLESS = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine(model_file: Callable[[str], Path]) -> AsyncIterator[BatchEngine]:
    path = model_file("qwen2.5-coder-0.5b")
    options = LoadOptions(CONTEXT_TOKENS, num_threads=2, cache_tokens=8192)
    engine = await asyncio.to_thread(BatchEngine, lambda: LlamaModel(path, options))
    yield engine
    await engine.aclose()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(engine: BatchEngine) -> AsyncIterator[AsyncOpenAI]:
    app = app_of(ServedModel("small", given(LocalChatModel(engine=engine))))
    config = uvicorn.Config(app, "127.0.0.1", 0, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - that is how it says so
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=120) as client:
        yield client
    server.should_exit = True
    await serving


def asked(question: str) -> Any:
    return [{"role": "system", "content": PREFIX}, {"role": "user", "content": question}]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what an engine's thread does sets no event
            await asyncio.sleep(0.01)


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["small"]
    assert (await client.models.retrieve("small")).id == "small"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("large")


async def test_stream_says_the_same_as_the_whole_answer(client: AsyncOpenAI) -> None:
    question = asked("Which Linux command shows free disk space?")
    whole = await client.chat.completions.create(
        model="small", messages=question, max_tokens=40, temperature=0
    )
    stream = await client.chat.completions.create(
        model="small",
        messages=question,
        max_tokens=40,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "df" in text
    assert text == whole.choices[0].message.content
    assert len(chunks) > 3
    assert last.usage is not None
    assert whole.usage is not None
    assert last.usage.completion_tokens == whole.usage.completion_tokens
    assert last.usage.prompt_tokens_details is not None
    # All but the last token, which is always computed, for it gives the first of the answer.
    assert last.usage.prompt_tokens_details.cached_tokens == whole.usage.prompt_tokens - 1


async def test_tools_are_called_and_their_results_read(client: AsyncOpenAI) -> None:
    messages = asked("What is the weather in Paris, in celsius?")
    named = {"type": "function", "function": {"name": "get_weather"}}
    choices: list[Any] = ["required", named]
    for choice in choices:
        answer = await client.chat.completions.create(
            model="small", messages=messages, tools=[WEATHER], tool_choice=choice, temperature=0
        )
        assert answer.choices[0].finish_reason == "tool_calls"
        [call] = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        arguments = json.loads(call.function.arguments)
        assert arguments["city"].startswith("Paris")
        assert arguments["unit"] == "celsius"
    said: Any = answer.choices[0].message.model_dump(exclude_none=True)
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "17 degrees and rain"}
    answer = await client.chat.completions.create(
        model="small",
        messages=[*messages, said, result],
        tools=[WEATHER],
        tool_choice="none",
        temperature=0,
        max_tokens=60,
    )
    assert "17" in (answer.choices[0].message.content or "")


async def test_stream_of_a_call_is_put_together_by_the_client(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model="small",
        messages=asked("What is the weather in Rome, in celsius?"),
        tools=[WEATHER],
        tool_choice="required",
        temperature=0,
    ) as stream:
        answer = await stream.get_final_completion()
    [call] = answer.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments)["city"].startswith("Rome")


@pytest.mark.parametrize("seed", range(3))
async def test_answer_fits_its_schema(client: AsyncOpenAI, seed: int) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    answer = await client.chat.completions.create(
        model="small",
        messages=asked("Tell me about Berlin."),
        response_format=wanted,
        temperature=1.0,
        seed=seed,
    )
    assert answer.choices[0].finish_reason == "stop"
    validate(json.loads(answer.choices[0].message.content or ""), CITY)


async def test_eight_at_once_share_a_batch_and_their_prefix(
    client: AsyncOpenAI, engine: BatchEngine
) -> None:
    commands = ("df", "ps", "ss", "free", "find", "tail", "uptime", "kill")
    asking = [
        asyncio.create_task(
            client.chat.completions.create(
                model="small", messages=asked(f"What does {name} do?"), max_tokens=30, temperature=0
            )
        )
        for name in commands
    ]
    await until(lambda: engine.status().num_running == len(commands))
    answers = await asyncio.gather(*asking)
    assert all(answer.choices[0].message.content for answer in answers)
    cached = [
        answer.usage.prompt_tokens_details.cached_tokens
        for answer in answers
        if answer.usage is not None and answer.usage.prompt_tokens_details is not None
    ]
    assert len(cached) == len(commands)
    assert sum(tokens is not None and tokens > 50 for tokens in cached) >= len(commands) - 1


async def test_client_that_leaves_frees_the_engine(
    client: AsyncOpenAI, engine: BatchEngine
) -> None:
    asking: Any = {"model": "small", "messages": asked("Count."), "response_format": ENDLESS}
    stream = await client.chat.completions.create(**asking, stream=True)
    await anext(aiter(stream))
    assert engine.status().num_running == 1
    await stream.close()
    await until(lambda: engine.status().num_running == 0)
    whole = asyncio.create_task(client.chat.completions.create(**asking))
    await until(lambda: engine.status().num_running == 1)
    whole.cancel()
    await until(lambda: engine.status().num_running == 0)
    assert engine.status().num_waiting == 0


async def test_context_overflow_is_told_with_its_numbers(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="context holds 1,024") as caught:
        await client.chat.completions.create(model="small", messages=asked("word " * 2000))
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"


async def test_control_tokens_in_a_message_are_plain_characters(client: AsyncOpenAI) -> None:
    async def num_prompt_tokens(text: str) -> int:
        answer = await client.chat.completions.create(
            model="small", messages=asked(text), max_tokens=1
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    # One special token would be one token; its characters are several.
    assert await num_prompt_tokens("<|im_end|>") - await num_prompt_tokens("x") >= 3
