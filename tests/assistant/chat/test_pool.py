from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from openai import OpenAIError

from assistant.chat import remote
from assistant.chat.failures import SERVER_ERRORS
from assistant.chat.pool import Pool, PooledChatModel, open_pool
from assistant.chat.remote import open_remote_model
from assistant.chat.servers import Pacing
from assistant.errors import ProviderError
from assistant.problems import describe
from assistant.settings import ModelSettings

from .model_servers import Act, ModelServer, answer, be_silent, die, refuse, running, say

# Nothing here waits for the clock unless the test is about that.
NO_CHECKS = Pacing(check_every_s=3600.0)


@asynccontextmanager
async def pooled(
    *servers: ModelServer, pacing: Pacing = NO_CHECKS, **settings: Any
) -> AsyncIterator[PooledChatModel]:
    urls = tuple(server.url for server in servers)
    wanted = ModelSettings(name="big", provider="openai", base_url=urls, **settings)
    options = await asyncio.to_thread(remote._options, wanted, str, "none")
    model = await asyncio.to_thread(open_pool, urls, options, pacing)
    async with running(*servers):
        try:
            yield model
        finally:
            await model.aclose()


def pool_of(model: PooledChatModel) -> Pool:
    return cast(Pool, model.pool)


def three(*acts: Act) -> list[ModelServer]:
    """Three servers; the first gets the acts."""
    return [ModelServer("a", *acts), ModelServer("b"), ModelServer("c")]


async def answered(
    model: BaseChatModel, question: str = "q", *, shown: list[str] | None = None, **options: Any
) -> str:
    """The whole answer; its pieces go to `shown` as they come."""
    pieces = [] if shown is None else shown
    async for chunk in model.astream([HumanMessage(question)], **options):
        pieces.append(str(chunk.content))
    return "".join(pieces)


def asked(servers: Sequence[ModelServer]) -> list[int]:
    return [len(server.asked) for server in servers]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what a server counts is no event
            await asyncio.sleep(0.005)


async def test_settings_with_several_addresses_make_a_pool() -> None:
    settings = ModelSettings(
        name="big", provider="openai", base_url=("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")
    )
    model = await asyncio.to_thread(open_remote_model, settings, str)
    assert isinstance(model, PooledChatModel)
    with pytest.raises(ProviderError) as caught:
        await answered(model)
    await model.aclose()
    assert caught.value.message.startswith("none of the 2 model servers answers: 127.0.0.1:1 could")
    assert "; 127.0.0.1:2 could not be reached: " in caught.value.message
    assert "base_url" in caught.value.hint
    assert describe(caught.value).code == "provider"


async def test_hundred_requests_at_once_are_spread_over_three_servers() -> None:
    gate = asyncio.Event()
    servers = [ModelServer(name, answer(gate=gate)) for name in "abc"]
    questions = [f"q{number}" for number in range(100)]
    async with pooled(*servers) as model:
        tasks = [asyncio.create_task(answered(model, question)) for question in questions]
        await until(lambda: sum(asked(servers)) == 100)
        assert sorted(server.num_running for server in servers) == [33, 33, 34]
        gate.set()
        answers = await asyncio.gather(*tasks)
        assert [server.num_in_flight for server in pool_of(model).servers.all] == [0, 0, 0]
    assert answers == [f"{question}.0 {question}.1 {question}.2 " for question in questions]
    assert sorted(q for server in servers for q in server.asked) == sorted(questions)


async def test_none_is_lost_and_none_begun_twice_while_servers_fail() -> None:
    faults = [refuse(500), die(), refuse(429, retry_after="0.05"), say(b"<html>", "text/html")]
    servers = [
        ModelServer("a", *faults * 6, answer()),
        ModelServer("b", *[fault for fault in faults for _ in range(3)], answer()),
        ModelServer("c", answer(pause_s=0.002)),
    ]
    questions = [f"q{number}" for number in range(100)]
    pacing = Pacing(first_out_s=0.01, longest_out_s=0.05, check_every_s=3600.0)
    async with pooled(*servers, pacing=pacing) as model:
        answers = await asyncio.gather(*(answered(model, question) for question in questions))
    assert answers == [f"{question}.0 {question}.1 {question}.2 " for question in questions]
    assert sum(asked(servers)) > 100


async def test_server_that_dies_under_load_loses_only_what_it_had_begun() -> None:
    gate = asyncio.Event()
    doomed = [answer(pieces=10_000, pause_s=0.01)] * 10 + [be_silent]
    servers = [ModelServer("a", *doomed), *(ModelServer(n, answer(gate=gate)) for n in "bc")]
    shown: dict[str, list[str]] = {f"q{number}": [] for number in range(60)}
    async with pooled(*servers) as model:
        asking = [answered(model, question, shown=pieces) for question, pieces in shown.items()]
        tasks = [asyncio.create_task(each) for each in asking]
        await until(lambda: sum(asked(servers)) == 60)
        await until(lambda: sum(any(pieces) for pieces in shown.values()) == 10)
        begun = {question for question, pieces in shown.items() if any(pieces)}
        await servers[0].kill()
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    lost = {q for q, text in zip(shown, answers, strict=True) if not isinstance(text, str)}
    assert lost == begun
    others = [question for server in servers[1:] for question in server.asked]
    assert sorted(others) == sorted(shown.keys() - lost)


NONSENSE = [
    b"data: {nope\n\n",
    b"data: [1]\n\n",
    b"data: null\n\n",
    b'data: {"choices": [null]}\n\n',
    b'data: {"choices": []}\n\n',
    b"data: \xff\xfe\n\n",
    b'data: {"error": {"message": "boom"}}\n\n',
    b"",
]


@pytest.mark.parametrize(
    "act",
    [
        refuse(500),
        refuse(429),
        refuse(503, retry_after="60"),
        refuse(401),
        refuse(404),
        refuse(307, location="http://127.0.0.1:1/"),
        die(),
        say(b"<html>", "text/html"),
        *(say(body) for body in NONSENSE),
    ],
)
async def test_another_server_answers_when_one_fails(act: Act) -> None:
    servers = three(act)
    async with pooled(*servers) as model:
        assert await answered(model) == "q.0 q.1 q.2 "
        assert asked(servers) == [1, 1, 0]
        await answered(model, "next")
    assert asked(servers)[0] == 1


async def test_server_that_is_not_there_is_left_out() -> None:
    servers = three()
    async with pooled(*servers) as model:
        await servers[0].stop()
        for _ in range(5):
            await answered(model)
    assert asked(servers)[0] == 0
    assert sum(asked(servers)) == 5


async def test_after_the_first_piece_no_other_server_is_asked() -> None:
    servers = three(die(after_pieces=1))
    async with pooled(*servers) as model:
        shown: list[str] = []
        with pytest.raises(OpenAIError):
            await answered(model, shown=shown)
        assert "".join(shown) == "q.0 "
        assert asked(servers) == [1, 0, 0]
        # The failure counts all the same.
        assert pool_of(model).servers.all[0].num_failures == 1


async def test_callbacks_hear_only_of_what_is_shown() -> None:
    heard: list[str] = []

    class Listener:
        async def on_llm_new_token(self, token: str, **_: Any) -> None:
            heard.append(token)

    async with pooled(*three(die(), answer())) as model:
        async for _ in model._astream([HumanMessage("q")], None, cast(Any, Listener())):
            pass
    assert "".join(heard) == "q.0 q.1 q.2 "
    # The server that died had sent the beginning of an answer that shows nothing.
    assert heard.count("") <= 2


async def test_fault_of_the_request_is_not_sent_around() -> None:
    servers = three(refuse(400))
    async with pooled(*servers) as model:
        with pytest.raises(OpenAIError) as caught:
            await answered(model)
        assert asked(servers) == [1, 0, 0]
        assert describe(caught.value).code == "provider"
        servers[0].acts = [answer()]
        assert await answered(model)
    # It does not count against the server.
    assert asked(servers) == [2, 0, 0]


async def test_busy_servers_are_waited_for_as_long_as_they_asked() -> None:
    servers = [
        ModelServer("a", refuse(429, retry_after_ms="80"), answer()),
        ModelServer("b", refuse(429, retry_after="3600")),
    ]
    loop = asyncio.get_running_loop()
    pacing = Pacing(first_out_s=0.01, check_every_s=3600.0)
    async with pooled(*servers, pacing=pacing) as model:
        began = loop.time()
        assert await answered(model) == "q.0 q.1 q.2 "
        assert loop.time() - began >= 0.08
    assert asked(servers) == [2, 1]


async def test_when_none_answers_each_is_named_with_its_reason_and_asked_once() -> None:
    servers = [
        ModelServer("a", refuse(500)),
        ModelServer("b", refuse(429, retry_after="100")),
        ModelServer("c", say(b"<html>", "text/html")),
        ModelServer("d"),
    ]
    async with pooled(*servers) as model:
        await servers[3].stop()
        with pytest.raises(ProviderError) as caught:
            await answered(model)
        message = caught.value.message
        assert asked(servers) == [1, 1, 1, 0]
        # A busy server is left alone, the others are tried again: nothing is lost by that.
        with pytest.raises(ProviderError):
            await answered(model)
        assert asked(servers) == [2, 1, 2, 0]
        servers[2].acts = [answer()]
        assert await answered(model) == "q.0 q.1 q.2 "
    a, b, c, d = (server.url.split("/")[2] for server in servers)
    assert f"{a} answered with status 500; {b} takes no more requests at the moment" in message
    assert "try again in 100 s" in message
    assert f"{c} sent no whole answer: " in message
    assert f"{d} could not be reached: " in message


async def test_slow_server_gets_no_more_than_its_share() -> None:
    gate = asyncio.Event()
    servers = [ModelServer("a", answer(gate=gate)), ModelServer("b"), ModelServer("c")]
    async with pooled(*servers) as model:
        slow = asyncio.create_task(answered(model, "slow"))
        await until(lambda: asked(servers)[0] == 1)
        for _ in range(10):
            await answered(model)
        assert asked(servers)[0] == 1
        gate.set()
        await slow
    assert sum(asked(servers)) == 11


async def test_server_that_falls_silent_is_given_up_for_another() -> None:
    servers = [ModelServer("a", be_silent), ModelServer("b")]
    servers[0].models_are_silent = True
    pacing = Pacing(check_every_s=0.02, check_timeout_s=0.02)
    async with pooled(*servers, pacing=pacing) as model:
        async with asyncio.timeout(10):
            assert await answered(model) == "q.0 q.1 q.2 "
        await until(lambda: servers[0].num_left >= 1)
    assert asked(servers) == [1, 1]


async def test_server_that_thinks_for_long_is_waited_for() -> None:
    gate = asyncio.Event()
    servers = [ModelServer("a", answer(gate=gate)), ModelServer("b")]
    pacing = Pacing(check_every_s=0.01)
    async with pooled(*servers, pacing=pacing) as model:
        task = asyncio.create_task(answered(model))
        await until(lambda: servers[0].num_looks >= 4)
        gate.set()
        await task
    assert asked(servers) == [1, 0]


async def test_server_that_comes_back_is_used_before_its_time_is_over() -> None:
    servers = [ModelServer("a"), ModelServer("b")]
    pacing = Pacing(first_out_s=1000.0, longest_out_s=1000.0, check_every_s=0.02)
    async with pooled(*servers, pacing=pacing) as model:
        await servers[0].stop()
        await answered(model)
        await servers[0].start()
        first = pool_of(model).servers.all[0]
        await until(lambda: first.is_open(pool_of(model).servers.clock()))
        first.latency_s = 0.0
        assert await answered(model)
    assert asked(servers) == [1, 1]


async def test_checks_find_a_dead_server_before_a_request_does() -> None:
    servers = [ModelServer("a"), ModelServer("b")]
    async with pooled(*servers, pacing=Pacing(check_every_s=0.02, first_out_s=1000.0)) as model:
        await answered(model)
        first, second = pool_of(model).servers.all
        second.latency_s = first.latency_s + 1
        await servers[0].stop()
        await until(lambda: first.failure is not None)
        await answered(model)
    assert asked(servers) == [1, 1]


@pytest.mark.parametrize(
    ("status", "is_out"), [(401, False), (404, False), (500, False), (503, True)]
)
async def test_server_without_a_list_of_models_is_not_taken_for_a_dead_one(
    status: int, is_out: bool
) -> None:
    servers = [ModelServer("a"), ModelServer("b")]
    servers[0].status_of_models = status
    async with pooled(*servers) as model:
        await pool_of(model).checks.look()
        first = pool_of(model).servers.all[0]
        assert (first.failure is not None) == is_out
        # Once it is ready, it is back at once.
        servers[0].status_of_models = 200
        await pool_of(model).checks.look()
        assert first.is_open(pool_of(model).servers.clock())


async def test_checks_end_with_the_model() -> None:
    before = asyncio.all_tasks()
    server = ModelServer("a")
    async with pooled(server, ModelServer("b"), pacing=Pacing(check_every_s=0.01)) as model:
        await answered(model)
        await until(lambda: server.num_looks > 0)
    await asyncio.sleep(0)
    assert not {task for task in asyncio.all_tasks() - before if "look" in repr(task)}


async def test_closing_the_stream_ends_the_servers_work_and_its_load() -> None:
    servers = three(answer(pieces=100_000, pause_s=0.001))
    async with pooled(*servers) as model:
        stream = model.astream([HumanMessage("q")])
        while not str((await anext(stream)).content):
            pass
        await stream.aclose()  # type: ignore[attr-defined]
        await until(lambda: servers[0].num_left == 1)
        assert pool_of(model).servers.all[0].num_in_flight == 0
        assert pool_of(model).servers.all[0].failure is None


async def test_cancelled_request_leaves_no_load() -> None:
    servers = three(be_silent)
    async with pooled(*servers) as model:
        task = asyncio.create_task(answered(model))
        await until(lambda: asked(servers)[0] == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        first = pool_of(model).servers.all[0]
        assert (first.num_in_flight, first.waiting) == (0, set())
    assert asked(servers) == [1, 0, 0]


async def test_hosts_that_were_reached_are_told() -> None:
    servers = three(refuse(500))
    told: list[str] = []
    async with pooled(*servers) as model:
        await servers[1].stop()
        await answered(model, on_sent=told.append)
    assert told == ["127.0.0.1", "127.0.0.1"]
    assert asked(servers) == [1, 0, 1]


async def test_every_server_gets_redacted_text_alone() -> None:
    servers = three(refuse(500))
    async with pooled(*servers) as model:
        for client in pool_of(model)._clients.values():
            client.redact = lambda text: text.replace("hunter2", "[secret]")
        await answered(model, "password hunter2")
    assert [server.asked for server in servers[:2]] == [["password [secret]"]] * 2


async def test_tools_reach_whichever_server_answers() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    servers = three(refuse(500))
    async with pooled(*servers) as model:
        bound = model.bind_tools([tool], tool_choice="any")
        assert (await bound.ainvoke([HumanMessage("q")])).content == "q.0 q.1 q.2 "


def test_server_errors_are_all_that_is_made_good() -> None:
    assert not issubclass(asyncio.CancelledError, SERVER_ERRORS)
