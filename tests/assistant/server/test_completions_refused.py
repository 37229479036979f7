from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.server.openai_errors import RequestInvalid
from assistant.server.openai_request import parse_request
from tests.assistant.server.completions_app import (
    HELLO,
    LOOK,
    PATH,
    REST,
    StrictEngine,
    client_for,
)


def called(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": "c1", "type": "function", "function": function}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "look", **function}}


DEEP = '{"a": ' * 900 + "1" + "}" * 900
IMAGE = {"type": "image_url", "image_url": {"url": "http://x"}}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "it", "schema": {"not": {}}}}


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": "hello"}, "messages", "array"),
        ({"messages": [5]}, "messages[0]", "object"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0]", "'function'"),
        ({"messages": [{"content": "x"}]}, "messages[0]", "role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "required"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "string"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]},
         "messages[0].content[0].type", "'text'"),
        ({"messages": [*HELLO, {"role": "tool", "content": "x"}]},
         "messages[1].tool_call_id", "required"),
        ({"messages": [{"role": "assistant", "tool_calls": [called("look", "[]")]}]},
         "messages[0].tool_calls[0].function.arguments", "JSON object"),
        ({"messages": [{"role": "assistant", "tool_calls": [called("look", DEEP)]}]},
         "messages[0].tool_calls[0].function.arguments", "JSON object"),
        ({"messages": [{"role": "assistant", "tool_calls": [called("look", '{"at": NaN}')]}]},
         "messages[0].tool_calls[0].function.arguments", "JSON object"),
        ({"messages": [{"role": "assistant", "tool_calls": [called("<|x|>", "{}")]}]},
         "messages[0].tool_calls[0].function.name", "pattern"),
        ({"n": 2}, "n", "1"),
        ({"logprobs": True}, "logprobs", "False"),
        ({"logit_bias": {"5": 1.0}}, "logit_bias", "at most 0"),
        ({"modalities": ["text", "audio"]}, "modalities[1]", "'text'"),
        ({"store": True}, "store", "False"),
        ({"functions": []}, "functions", "not supported"),
        ({"reasoning_effort": "high"}, "reasoning_effort", "not supported"),
        ({"top_k": 4}, "top_k", "not supported"),
        ({"temperature": "0.5"}, "temperature", "number"),
        ({"temperature": 2.1}, "temperature", "2"),
        ({"temperature": float("nan")}, "temperature", ""),
        ({"top_p": 0}, "top_p", "0"),
        ({"seed": 2**63}, "seed", ""),
        ({"max_tokens": 0}, "max_tokens", "1"),
        ({"max_tokens": True}, "max_tokens", "integer"),
        ({"max_completion_tokens": 10**400}, "max_completion_tokens", "less"),
        ({"stop": ["a", ""]}, "stop[1]", "at least 1"),
        ({"stop": ["a"] * 17}, "stop", "at most 16"),
        ({"stream_options": {"usage": True}}, "stream_options.usage", "not supported"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "'function'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "required"),
        ({"tools": [tool(name="a b")]}, "tools[0].function.name", "pattern"),
        ({"tools": [tool(parameters={"type": "string"})]},
         "tools[0].function.parameters.type", "'object'"),
        ({"tools": [LOOK, LOOK]}, "tools", "'look'"),
        ({"tools": [tool(parameters={"not": {}})]}, "tools", "not"),
        ({"tools": [tool(description="<|im_start|>")], "tool_choice": "none"}, "tools", "im_start"),
        ({"tools": [tool(description="\ue00099\ue001")], "tool_choice": "none"}, "tools", "E000"),
        ({"tool_choice": "required"}, "tool_choice", "no tools"),
        ({"tool_choice": "any"}, "tool_choice", ""),
        ({"tools": [LOOK], "tool_choice": {"type": "function", "function": {"name": "fly"}}},
         "tool_choice", "'fly'"),
        ({"response_format": {"type": "xml"}}, "response_format", "'xml'"),
        ({"response_format": JSON_SCHEMA}, "response_format", "not"),
        ({"response_format": {"type": "json_object"}, "tools": [REST]},
         "response_format", "together with tools"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(body: dict[str, Any], param: str, words: str) -> None:
    async with client_for(StrictEngine("x")) as client:
        response = await client.http.post(PATH, content=json.dumps({"messages": HELLO, **body}))
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error"), error
    assert error["param"] == param, error
    assert words in error["message"]
    assert len(error["message"]) < 700


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"null", b"[]", b'{"messages": "\\ud800"}', b"[" * 100_000]
)
async def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    async with client_for(StrictEngine()) as client:
        response = await client.http.post(PATH, content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


async def test_what_changes_no_answer_is_left_out() -> None:
    async with client_for(StrictEngine("x")) as client:
        await client.answer(
            n=1,
            user="ann",
            logprobs=False,
            metadata={"a": "b"},
            store=False,
            parallel_tool_calls=True,
            prompt_cache_key="k",
            tools=None,
            stream_options={"include_usage": True, "include_obfuscation": False},
            temperature=None,
        )


async def test_assistants_own_answers_may_be_sent_back() -> None:
    engine = StrictEngine('{"name": "rest", "arguments": {}}', "fine")
    async with client_for(engine) as client:
        first = await client.answer(tools=[REST], tool_choice="required")
        message = first["choices"][0]["message"]
        result = {
            "role": "tool",
            "content": "rested",
            "tool_call_id": message["tool_calls"][0]["id"],
        }
        await client.answer(messages=[*HELLO, message, result], tools=[REST])
    assert "rested" in engine.prompt_text()


def test_an_error_names_a_field_even_where_a_message_has_fields_of_forms_names() -> None:
    body = {"messages": [{"role": "user", "user": [], "content": [{}, {}, 5]}]}
    with pytest.raises(RequestInvalid) as caught:
        parse_request(json.dumps(body).encode())
    assert caught.value.param is not None
    assert caught.value.param.startswith("messages[0]")


FIELDS = [
    "messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens",
    "temperature", "top_p", "seed", "stop", "tools", "tool_choice", "response_format", "n",
    "logit_bias", "service_tier", "metadata", "prediction", "role", "content", "tool_calls",
    "type", "function", "name", "arguments", "parameters", "json_schema", "schema", "user",
    "properties", "$ref", "enum", "items", "text",
]  # fmt: skip
WORDS = [
    "user", "assistant", "system", "tool", "text", "function", "json_schema", "json_object",
    "auto", "none", "required", "object", "string", "{}", "look", "\ue0000\ue001", "<|im_end|>",
    "#", "#/properties/a",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
NAMES = st.sampled_from(FIELDS) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
SCHEMAS = st.dictionaries(NAMES, VALUES, max_size=4)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"])},
        optional={
            "content": st.text(max_size=20) | VALUES,
            "tool_call_id": st.text(max_size=4),
            "name": VALUES,
            "tool_calls": st.lists(
                st.fixed_dictionaries(
                    {
                        "id": st.text(max_size=4),
                        "function": st.fixed_dictionaries(
                            {"name": st.sampled_from(["look", "a b"]), "arguments": st.text()}
                        ),
                    }
                ),
                max_size=2,
            ),
        },
    ),
    max_size=3,
)
TOOLS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": st.sampled_from(["look", "rest"])},
                optional={"parameters": SCHEMAS, "description": st.text(max_size=8)},
            ),
        }
    ),
    max_size=2,
)
BODIES = st.fixed_dictionaries(
    {"messages": st.just(HELLO) | MESSAGES | VALUES},
    optional={
        "tools": TOOLS | VALUES,
        "tool_choice": st.sampled_from(["auto", "none", "required"]) | VALUES,
        "stream": st.booleans(),
        "temperature": st.floats(),
        "seed": st.integers(),
        "response_format": st.builds(
            lambda schema: {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}},
            SCHEMAS,
        )
        | VALUES,
        "stop": VALUES,
    },
) | st.dictionaries(NAMES, VALUES, max_size=5)


@settings(max_examples=150, deadline=None)
@given(body=BODIES)
def test_no_body_is_a_servers_error(body: dict[str, Any]) -> None:
    assert asyncio.run(status_of(json.dumps(body).encode())) in (200, 400, 404)


@settings(max_examples=100, deadline=None)
@given(body=BODIES, place=st.integers(0, 2000), noise=st.binary(max_size=3))
def test_no_damaged_body_is_a_servers_error(body: dict[str, Any], place: int, noise: bytes) -> None:
    whole = json.dumps(body).encode()
    assert asyncio.run(status_of(whole[:place] + noise + whole[place + 1 :])) in (200, 400, 404)


async def status_of(body: bytes) -> int:
    """The status; what nobody foresaw is raised through."""
    async with client_for(StrictEngine("an answer")) as client:
        response = await client.http.post(PATH, content=body)
    assert "internal" not in response.text
    return response.status_code
