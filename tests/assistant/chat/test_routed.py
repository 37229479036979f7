from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from openai import OpenAIError

from assistant.chat.local import LocalChatModel
from assistant.chat.remote import RemoteChatModel, open_remote_model
from assistant.chat.routed import RoutedChatModel
from assistant.routing.allowance import Allowance
from assistant.routing.budget import Budgets, Limits, Spent
from assistant.routing.route import Route
from assistant.routing.rules import Choice
from assistant.settings import ModelSettings

from .completions import Completions, Refusal, Reply, serving
from .scripted import ScriptedEngine

LOOK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look at something.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
DEEP = Choice("named", "big", "it was asked for with --deep")
DOWN = Refusal(500, "out of memory", {"retry-after-ms": "1"})


class Setting:
    """A routed model: a server, its budget, and a local model that stands in."""

    def __init__(self, folder: Path, server: Completions, *local: str, **limits: Any) -> None:
        self.server = server
        self.budgets = Budgets(folder)
        self.engine = ScriptedEngine(*local)
        self.allowance = Allowance("big", Limits(**limits), self.budgets)
        self.num_loaded = 0
        self.route = Route(DEEP, "small", (), was_used=True)

    async def stand_in(self) -> LocalChatModel:
        self.num_loaded += 1
        return LocalChatModel(engine=self.engine)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RoutedChatModel]:
        async with serving(self.server):
            remote = await asyncio.to_thread(self._remote)
            try:
                yield RoutedChatModel(
                    chosen=remote,
                    route=self.route,
                    allowance=self.allowance,
                    stand_in=self.stand_in,
                )
            finally:
                await remote.aclose()

    def _remote(self) -> RemoteChatModel:
        url = self.server.base_url
        return open_remote_model(ModelSettings(name="g", provider="openai", base_url=url), str)


async def test_chosen_model_answers_and_its_tokens_are_counted(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(Reply("The pool is exhausted.")))
    async with setting.opened() as model:
        chunks = [chunk async for chunk in model.astream([HumanMessage("q")])]
    assert "".join(str(chunk.content) for chunk in chunks) == "The pool is exhausted."
    assert sum(bool(chunk.content) for chunk in chunks) > 2
    assert setting.budgets.spent("big") == Spent(1, 100, 10)
    assert setting.num_loaded == 0
    assert model.model_name == "big"
    assert setting.route.sent_to == {"127.0.0.1": None}


async def test_stand_in_answers_where_the_server_fails(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(*[DOWN] * 3), "Local words.", "More of them.")
    async with setting.opened() as model:
        first = await model.ainvoke([HumanMessage("q")])
        second = await model.ainvoke([HumanMessage("q")])
    assert (first.content, second.content) == ("Local words.", "More of them.")
    assert "status 500: " in setting.route.failure
    assert model.model_name == "small"
    # It is not asked again in this turn, and is counted as asked once.
    assert len(setting.server.requests) == 3
    assert setting.budgets.spent("big") == Spent(1, 0, 0)


async def test_callbacks_hear_of_one_answer_alone(tmp_path: Path) -> None:
    heard: list[str] = []

    class Listener:
        async def on_llm_new_token(self, token: str, **_: Any) -> None:
            heard.append(token)

    entries = (Reply("Words of big."), Reply("", ends_early=True))
    setting = Setting(tmp_path, Completions(*entries), "Local words.")
    async with setting.opened() as model:
        for _ in entries:
            async for _ in model._astream([HumanMessage("q")], None, cast(Any, Listener())):
                pass
    assert "".join(heard) == "Words of big.Local words."


async def test_what_was_shown_is_not_begun_again(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(Reply("half of a sentence, no more", cut=True)), "x")
    async with setting.opened() as model:
        with pytest.raises(OpenAIError):
            await model.ainvoke([HumanMessage("q")])
    assert setting.num_loaded == 0
    assert setting.route.failure == ""
    # What the server did is counted, by a guess: it never said.
    assert setting.budgets.spent("big").answer_tokens > 0


async def test_used_up_budget_sends_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(Reply("yes")), "Local words.", requests=1)
    async with setting.opened() as model:
        assert (await model.ainvoke([HumanMessage("q")])).content == "yes"
        assert (await model.ainvoke([HumanMessage("q")])).content == "Local words."
    assert setting.route.failure == "its daily limit of requests (1) is reached"
    assert len(setting.server.requests) == 1


async def test_without_a_stand_in_the_servers_error_is_raised(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(*[DOWN] * 3))
    async with setting.opened() as model:
        with pytest.raises(OpenAIError):
            await model.model_copy(update={"stand_in": None}).ainvoke([HumanMessage("q")])


async def test_tools_are_bound_in_each_models_own_way(tmp_path: Path) -> None:
    call = '{"name": "look", "arguments": {"at": "x"}}\n</tool_call>'
    setting = Setting(
        tmp_path, Completions(Reply(calls=[("look", {"at": "y"})]), *[DOWN] * 3), call
    )
    async with setting.opened() as model:
        bound = model.bind_tools([LOOK], tool_choice="any")
        remote = await bound.ainvoke([HumanMessage("q")], max_tokens=50)
        local = await bound.ainvoke([HumanMessage("q")], max_tokens=50)
    assert isinstance(remote, AIMessage)
    assert [(c["name"], c["args"]) for c in remote.tool_calls] == [("look", {"at": "y"})]
    assert [(c["name"], c["args"]) for c in local.tool_calls] == [("look", {"at": "x"})]
    assert setting.server.requests[0]["tool_choice"] == "required"
    assert setting.server.requests[0]["max_completion_tokens"] == 50
    [request] = setting.engine.requests
    assert request.max_tokens == 50
    assert request.grammar is not None


async def test_tokens_are_guessed_where_the_server_says_nothing(tmp_path: Path) -> None:
    reply = Reply("x" * 80, ends_early=True)
    setting = Setting(tmp_path, Completions(reply), "unused")
    async with setting.opened() as model:
        with pytest.raises(Exception, match="no whole answer"):
            await model.ainvoke([HumanMessage("p" * 400)])
    spent = setting.budgets.spent("big")
    assert spent.prompt_tokens == 100
    assert 0 < spent.answer_tokens <= 20


async def test_cancelled_answer_is_counted(tmp_path: Path) -> None:
    setting = Setting(tmp_path, Completions(Reply("a long answer " * 20_000)))
    async with setting.opened() as model:
        stream = model.astream([HumanMessage("p" * 40)])
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            await setting.server.was_left.wait()
    assert setting.budgets.spent("big").prompt_tokens == 10
