from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from assistant.chat.local import LocalChatModel
from assistant.chat.routed import RoutedChatModel
from assistant.errors import ModelError
from assistant.loading import ModelOnDemand
from assistant.routing.budget import FILE_NAME, Budgets
from assistant.routing.router import Router, TurnModel, model_settings, rules_of
from assistant.routing.rules import Work
from assistant.settings import (
    DataSettings,
    ModelSettings,
    NamedModel,
    RoutingSettings,
    Settings,
)
from tests.assistant.chat.completions import Completions, Refusal, Reply, serving
from tests.assistant.chat.scripted import ScriptedEngine

DEEP = Work(is_deep=True)
SECRET = "password hunter2"


def elsewhere(url: str) -> str:
    """The same server by an address that does not say that it is this machine."""
    return url.replace("127.0.0.1", "0.0.0.0")


def big(url: str | tuple[str, ...], **more: Any) -> NamedModel:
    return NamedModel(name="gpt", base_url=url, **more)


def settings_of(folder: Path, model: NamedModel, **routing: Any) -> Settings:
    rules = {"deep": "big", "low_confidence": "big", **routing}
    return Settings(
        model=ModelSettings(name="small", light="tiny", adapters=("a.gguf",)),
        data=DataSettings(dir=folder),
        routing=RoutingSettings(models={"big": model}, **rules),
    )


@asynccontextmanager
async def routing(settings: Settings, *local: str, open_local: Any = None) -> AsyncIterator[Router]:
    async def load() -> LocalChatModel:
        return LocalChatModel(engine=ScriptedEngine(*local))

    main = ModelOnDemand(load)
    more = {"open_local": open_local} if open_local else {}
    router = Router(settings, main, lambda text: text.replace("hunter2", "[secret]"), **more)
    try:
        yield router
    finally:
        await router.aclose()
        await main.aclose()


async def answer(turn: TurnModel, question: str = "q") -> str:
    model = await turn.get()
    return str((await model.ainvoke([HumanMessage(question)])).content)


async def test_without_a_rule_the_main_model_answers_and_nothing_is_said(tmp_path: Path) -> None:
    async with routing(Settings(data=DataSettings(dir=tmp_path)), "Local.") as router:
        turn = router.turn(Work())
        turn.begin()
        assert isinstance(await turn.get(), LocalChatModel)
        assert await answer(turn) == "Local."
        assert (turn.told(), turn.is_named) == ("", False)
    assert not (tmp_path / FILE_NAME).exists()


async def test_named_model_answers_with_consent_on_redacted_text(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."))) as server:
        model = big(elsewhere(server.base_url))
        settings = settings_of(tmp_path, model, remote_consent=True)
        async with routing(settings) as router:
            turn = router.turn(DEEP)
            turn.begin()
            assert await answer(turn, SECRET) == "Big."
            assert (turn.name, turn.is_named) == ("big", True)
    assert server.conversation() == [("user", "password [secret]")]
    assert server.requests[0]["model"] == "gpt"
    assert turn.told() == (
        "*Model:* `big` answered, because it was asked for with --deep. "
        "Redacted text went to `0.0.0.0`."
    )


async def test_without_consent_nothing_is_sent(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."))) as server:
        settings = settings_of(tmp_path, big(elsewhere(server.base_url)))
        async with routing(settings, "Local.") as router:
            turn = router.turn(DEEP)
            assert await answer(turn) == "Local."
    assert server.requests == []
    assert turn.name == "small"
    assert "`small` answered: big is on 0.0.0.0, and [routing] remote_consent" in turn.told()


async def test_one_address_beyond_this_machine_needs_consent_for_all(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."))) as server:
        urls = (server.base_url, "http://api.example.com/v1")
        async with routing(settings_of(tmp_path, big(urls)), "Local.") as router:
            assert await answer(router.turn(DEEP)) == "Local."
    assert server.requests == []


async def test_named_model_on_this_machine_needs_no_consent(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."))) as server:
        settings = settings_of(tmp_path, big(server.base_url))
        async with routing(settings) as router:
            turn = router.turn(Work(confidence="low"))
            assert await answer(turn) == "Big."
    assert turn.told() == "*Model:* `big` answered, because the first answer was not sure."


async def test_server_that_is_not_there_is_found_out_before_it_is_asked(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://0.0.0.0:{unused.getsockname()[1]}/v1"
        settings = settings_of(tmp_path, big(url), remote_consent=True)
        async with routing(settings, "Local.", "Again.") as router:
            turn = router.turn(DEEP)
            # In its own form: a local model is constrained in ways that a server is not.
            assert isinstance(await turn.get(), LocalChatModel)
            assert await answer(turn) == "Local."
    told = turn.told()
    assert "`small` answered: 'big' was chosen, because it was asked for with --deep, but " in told
    assert "0.0.0.0 could not be reached: " in told
    # Nothing was sent, and nothing is said to have been.
    assert "Redacted text" not in told
    assert Budgets(tmp_path).spent("big").requests == 0


async def test_pool_that_is_not_there_is_found_out_before_it_is_asked(tmp_path: Path) -> None:
    model = big(("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"))
    async with routing(settings_of(tmp_path, model), "Local.") as router:
        turn = router.turn(DEEP)
        assert isinstance(await turn.get(), LocalChatModel)
    assert "but 127.0.0.1 could not be reached." in turn.told()


async def test_pool_with_one_server_left_answers(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."))) as server:
        model = big(("http://127.0.0.1:1/v1", server.base_url))
        async with routing(settings_of(tmp_path, model)) as router:
            assert await answer(router.turn(DEEP)) == "Big."


async def test_server_that_refuses_when_asked_is_stood_in_for(tmp_path: Path) -> None:
    async with serving(Completions(Refusal(401, "no"))) as server:
        settings = settings_of(tmp_path, big(elsewhere(server.base_url)), remote_consent=True)
        async with routing(settings, "Local.", "Again.") as router:
            turn = router.turn(DEEP)
            assert isinstance(await turn.get(), RoutedChatModel)
            assert await answer(turn) == "Local."
            assert isinstance(await turn.get(), LocalChatModel)
            assert (turn.name, turn.is_named) == ("small", False)
    told = turn.told()
    assert "but the model server refused the key" in told
    # The conversation had gone there all the same.
    assert "Redacted text went to `0.0.0.0`" in told


async def test_used_up_budget_is_said_and_holds_for_the_next_router(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Big."), Reply("Too much."))) as server:
        settings = settings_of(tmp_path, big(server.base_url, requests_per_day=1))
        async with routing(settings) as router:
            assert await answer(router.turn(DEEP)) == "Big."
        async with routing(settings, "Local.") as router:
            turn = router.turn(DEEP)
            # Known before it is asked, so that the main model is used in its own form.
            assert isinstance(await turn.get(), LocalChatModel)
            assert await answer(turn) == "Local."
    assert len(server.requests) == 1
    assert "its daily limit of requests (1) is reached" in turn.told()


async def test_missing_key_is_a_fallback_that_names_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIG_KEY", raising=False)
    model = big("http://127.0.0.1:1/v1", api_key_env="BIG_KEY")
    async with routing(settings_of(tmp_path, model), "Local.") as router:
        turn = router.turn(DEEP)
        assert await answer(turn) == "Local."
    assert "[routing.models.big] api_key_env names $BIG_KEY, which is not set" in turn.told()


async def test_second_local_model_is_opened_as_its_table_says(tmp_path: Path) -> None:
    opened: list[ModelSettings] = []

    async def open_local(settings: Settings) -> LocalChatModel:
        opened.append(settings.model)
        return LocalChatModel(engine=ScriptedEngine("Seven billion."))

    model = NamedModel(name="q7b.gguf", provider="local", max_answer_tokens=900)
    async with routing(settings_of(tmp_path, model), open_local=open_local) as router:
        turn = router.turn(DEEP)
        assert isinstance(await turn.get(), LocalChatModel)
        assert await answer(turn) == "Seven billion."
    [wanted] = opened
    assert (wanted.name, wanted.provider, wanted.max_answer_tokens) == ("q7b.gguf", "local", 900)
    # The main model's adapters fit no other.
    assert (wanted.adapters, wanted.light) == ((), "")


async def test_local_model_that_cannot_be_opened_is_stood_in_for(tmp_path: Path) -> None:
    async def open_local(_: Settings) -> LocalChatModel:
        raise ModelError("there is no model q7b.gguf")

    model = NamedModel(name="q7b.gguf", provider="local")
    async with routing(settings_of(tmp_path, model), "Local.", open_local=open_local) as router:
        turn = router.turn(DEEP)
        assert await answer(turn) == "Local."
    assert "but there is no model q7b.gguf" in turn.told()


async def test_main_model_on_a_server_says_where_text_went(tmp_path: Path) -> None:
    async with serving(Completions(Reply("Main."))) as server:
        url = elsewhere(server.base_url)
        main_settings = ModelSettings(name="main", provider="openai", base_url=url)
        settings = Settings(model=main_settings, data=DataSettings(dir=tmp_path))

        async def load() -> Any:
            from assistant.local import load_model

            return await load_model(settings)

        main = ModelOnDemand(load)
        router = Router(settings, main, str)
        turn = router.turn(Work())
        assert await answer(turn) == "Main."
        await main.aclose()
    assert turn.told() == "*Model:* `main` answered. Redacted text went to `0.0.0.0`."


def test_rules_are_those_of_the_settings(tmp_path: Path) -> None:
    model = big("https://api.example.com/v1")
    rules = rules_of(settings_of(tmp_path, model, alerts={"critical": "big"}, remote_consent=True))
    assert rules.has_light
    assert (rules.deep, rules.low_confidence) == ("big", "big")
    assert rules.alerts == {"critical": "big"}
    assert rules.hosts_beyond == {"big": ("api.example.com",)}
    assert rules.has_consent


def test_named_model_takes_what_it_does_not_say_from_the_main_one() -> None:
    base = ModelSettings(name="small", temperature=0.5, max_answer_tokens=99, threads=3)
    wanted = model_settings(base, big("http://a/v1", api_key_env="KEY"))
    assert (wanted.name, wanted.base_urls, wanted.api_key_env) == ("gpt", ("http://a/v1",), "KEY")
    assert (wanted.temperature, wanted.max_answer_tokens, wanted.threads) == (0.5, 99, 3)
