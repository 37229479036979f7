from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from pydantic import Field

from assistant.chat.local import LocalChatModel
from assistant.engine.interface import Priority
from assistant.errors import ModelError

from .scripted import ScriptedEngine


@tool
def look(at: str) -> str:
    """Look at something."""
    return at


CALL = '{"name": "look", "arguments": {"at": "x"}}'
ASKED = [SystemMessage("s"), HumanMessage("q")]


async def test_request_has_the_models_class_and_the_calls_deadline() -> None:
    engine = ScriptedEngine("one", "two")
    await LocalChatModel(engine=engine).ainvoke(ASKED)
    background = LocalChatModel(engine=engine, priority=Priority.BACKGROUND)
    await background.ainvoke(ASKED, deadline_s=3.0)
    made = [(request.priority, request.deadline_s) for request in engine.requests]
    assert made == [(Priority.CHAT, None), (Priority.BACKGROUND, 3.0)]


async def test_text_streams_and_usage_comes_last() -> None:
    engine = ScriptedEngine("two words")
    chunks = [chunk async for chunk in LocalChatModel(engine=engine).astream(ASKED)]
    assert "".join(str(chunk.content) for chunk in chunks) == "two words"
    assert len(chunks) > 2
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert usage["input_tokens"] == len(engine.prompt_text())
    assert usage["input_token_details"]["cache_read"] == 3
    assert chunks[-1].response_metadata["ttft_s"] == 0.01


async def test_any_opens_the_call_for_the_model_and_gives_one_call() -> None:
    engine = ScriptedEngine(CALL)
    bound = LocalChatModel(engine=engine).bind_tools([look], tool_choice="any")
    message = await bound.ainvoke(ASKED)
    assert engine.prompt_text().endswith("<|im_start|>assistant\n<tool_call>\n")
    assert engine.requests[0].grammar is not None
    assert message.content == ""
    assert [(c["name"], c["args"]) for c in message.tool_calls] == [("look", {"at": "x"})]


async def test_call_ids_are_unique() -> None:
    bound = LocalChatModel(engine=ScriptedEngine(CALL, CALL)).bind_tools([look], tool_choice="any")
    first, second = await bound.ainvoke(ASKED), await bound.ainvoke(ASKED)
    assert first.tool_calls[0]["id"] != second.tool_calls[0]["id"]


async def test_call_that_was_cut_off_is_an_error_not_text() -> None:
    engine = ScriptedEngine('{"name": "look", "argu', reason="length")
    bound = LocalChatModel(engine=engine).bind_tools([look], tool_choice="any")
    with pytest.raises(ModelError, match="did not complete"):
        await bound.ainvoke(ASKED)


async def test_auto_may_answer_or_call() -> None:
    model = LocalChatModel(engine=ScriptedEngine("no need", f"<tool_call>\n{CALL}\n</tool_call>"))
    bound = model.bind_tools([look])
    assert (await bound.ainvoke(ASKED)).content == "no need"
    message = await bound.ainvoke(ASKED)
    assert message.content == ""
    assert message.tool_calls[0]["name"] == "look"


async def test_none_keeps_the_tools_in_the_prompt_and_drops_calls() -> None:
    engine = ScriptedEngine(f"Fine.\n```json\n{CALL}\n```", "x")
    model = LocalChatModel(engine=engine)
    message = await model.bind_tools([look], tool_choice="none").ainvoke(ASKED)
    await model.bind_tools([look], tool_choice="auto").ainvoke(ASKED)
    assert message.content == "Fine.\n"
    assert message.tool_calls == []
    assert engine.prompt_text(0) == engine.prompt_text(1)


async def test_unknown_tool_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        LocalChatModel(engine=ScriptedEngine()).bind_tools([look], tool_choice="sometimes")


async def test_closing_the_stream_closes_the_generation() -> None:
    engine = ScriptedEngine("a very long answer indeed")
    stream = LocalChatModel(engine=engine).astream(ASKED)
    assert isinstance(stream, AsyncIterator)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert engine.num_closed_early == 1


def test_invoke_without_a_loop() -> None:
    assert LocalChatModel(engine=ScriptedEngine("hello")).invoke(ASKED).content == "hello"


@tool
def restart(
    service: Literal["payments", "checkout"],
    reason: Annotated[str, Field(max_length=40)],
    delays_s: list[int],
    note: str | None = None,
) -> str:
    """Restart a service."""
    return service


@pytest.mark.model
@pytest.mark.parametrize("choice", ["any", "auto"])
async def test_real_model_calls_are_well_formed(
    model_file: Callable[[str], Path], choice: str
) -> None:
    from assistant.engine.batch import BatchEngine
    from assistant.engine.llama import LlamaModel
    from assistant.engine.load import LoadOptions

    engine = BatchEngine(lambda: LlamaModel(model_file("qwen2.5-coder-0.5b"), LoadOptions(2048, 2)))
    model = LocalChatModel(engine=engine, temperature=0.9, max_tokens=300)
    bound = model.bind_tools([look, restart], tool_choice=choice)
    calls: list[Any] = []
    for seed in range(4):
        asked = HumanMessage("Restart payments <tool_call>, it hangs. Wait 5 and 10 seconds.")
        message = await bound.ainvoke([asked, HumanMessage(f"Try {seed}")])
        calls += message.tool_calls
        # It may repeat what the user wrote; the markup of a call is not for people.
        assert not re.search(r"<tool_call>\s*\{", str(message.content))
        assert '"name"' not in str(message.content)
    await engine.aclose()
    assert choice == "auto" or len(calls) == 4
    for call in calls:
        if call["name"] == "restart":
            assert set(call["args"]) >= {"service", "reason", "delays_s"}
            assert call["args"]["service"] in ("payments", "checkout")
        json.dumps(call["args"])


@pytest.mark.model
async def test_real_prompt_of_a_later_turn_begins_with_the_earlier_one(
    model_file: Callable[[str], Path],
) -> None:
    from assistant.agent.bounded import TOOLS
    from assistant.agent.prompt import SYSTEM
    from assistant.engine.llama import LlamaModel
    from assistant.engine.load import LoadOptions

    backend = LlamaModel(model_file("qwen2.5-coder-0.5b"), LoadOptions(2048, 1))
    model = LocalChatModel(engine=_Tokenizing(backend))
    system, question = SystemMessage(SYSTEM), HumanMessage("Question: why <|im_end|>?")
    answer = model.template  # the real template of the file
    assert answer.knows_tools
    first = backend.tokenize(model.prompt([system, question], TOOLS))
    reply = [system, question, *_drilled(), HumanMessage("And now?")]
    second = backend.tokenize(model.prompt(reply, TOOLS))
    backend.close()
    assert second[: len(first)] == first


class _Tokenizing:
    """Just enough of an engine to render prompts."""

    def __init__(self, backend: Any) -> None:
        self.info = backend.info


def _drilled() -> list[Any]:
    from langchain_core.messages import AIMessage, ToolMessage

    call = {"name": "search_logs", "args": {"source": "a", "pattern": "b"}, "id": "1"}
    return [
        AIMessage(content="", tool_calls=[call]),
        ToolMessage("nothing", tool_call_id="1"),
        AIMessage("It is broken."),
    ]
