from __future__ import annotations

import asyncio
import email.utils
import socket
import time

import pytest
from langchain_core.messages import HumanMessage

from assistant.chat.failures import SERVER_ERRORS, Failure, failure_of
from assistant.chat.remote import RemoteChatModel, open_remote_model
from assistant.errors import ProviderError
from assistant.settings import ModelSettings

from .completions import Completions, Refusal, Reply, serving


async def opened(base_url: str) -> RemoteChatModel:
    settings = ModelSettings(name="big", provider="openai", base_url=base_url)
    model = await asyncio.to_thread(open_remote_model, settings, str)
    model.root_async_client.max_retries = 0
    return model


async def failure_at(base_url: str) -> Failure:
    model = await opened(base_url)
    try:
        with pytest.raises(SERVER_ERRORS) as caught:
            await model.ainvoke([HumanMessage("q")])
    finally:
        await model.aclose()
    return failure_of(caught.value)


async def failure_after(entry: Reply | Refusal) -> Failure:
    async with serving(Completions(entry)) as server:
        return await failure_at(server.base_url)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (500, {}, Failure("broken", "answered with status 500")),
        (502, {"Retry-After": "7"}, Failure("broken", "answered with status 502", 7.0)),
        (503, {}, Failure("broken", "answered with status 503")),
        (503, {"Retry-After": "7"}, Failure("busy", "takes no more requests at the moment", 7.0)),
        (429, {}, Failure("busy", "takes no more requests at the moment")),
        (
            429,
            {"Retry-After": "2.5", "retry-after-ms": "junk"},
            Failure("busy", "takes no more requests at the moment", 2.5),
        ),
        (
            429,
            {"Retry-After": "9", "retry-after-ms": "20"},
            Failure("busy", "takes no more requests at the moment", 0.02),
        ),
        (
            429,
            {"Retry-After": "1e9"},
            Failure("busy", "takes no more requests at the moment", 3600),
        ),
        (429, {"Retry-After": "inf"}, Failure("busy", "takes no more requests at the moment")),
        (429, {"Retry-After": "-4"}, Failure("busy", "takes no more requests at the moment")),
        (429, {"Retry-After": "soon"}, Failure("busy", "takes no more requests at the moment")),
        (401, {}, Failure("refused", "refused the key")),
        (403, {}, Failure("refused", "refused the key")),
        (404, {}, Failure("refused", "does not know the model")),
        (400, {}, Failure("request", "answered with status 400")),
        (413, {}, Failure("request", "answered with status 413")),
        (422, {}, Failure("request", "answered with status 422")),
        (307, {"Location": "http://127.0.0.1:1/v1"}, Failure("broken", "answered with status 307")),
    ],
)
async def test_status_says_what_is_wrong(
    status: int, headers: dict[str, str], expected: Failure
) -> None:
    assert await failure_after(Refusal(status, "sk-the-key", headers)) == expected


async def test_time_to_come_back_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 120, usegmt=True)
    failure = await failure_after(Refusal(429, "no", {"Retry-After": date}))
    assert 60 < failure.retry_after_s <= 120
    past = email.utils.formatdate(time.time() - 120, usegmt=True)
    assert (await failure_after(Refusal(429, "no", {"Retry-After": past}))).retry_after_s == 0.0


async def test_server_that_is_not_there_was_sent_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure = await failure_at(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    assert failure.kind == "unreachable"
    assert failure.reason.startswith("could not be reached: ")


async def test_connection_that_breaks_off_is_of_the_server() -> None:
    failure = await failure_after(Reply("half of it", cut=True))
    assert failure.kind == "broken"
    assert failure.reason.startswith("broke off: ")


async def test_answer_that_is_none_is_of_the_server() -> None:
    failure = await failure_after(Refusal(200, "not a model"))
    assert failure.kind == "broken"
    assert failure.reason.startswith("sent no whole answer: ")


def test_silence_is_of_the_server() -> None:
    assert failure_of(TimeoutError()) == Failure("broken", "was silent for too long")


def test_reasons_are_one_short_line() -> None:
    reason = failure_of(ProviderError("a\nb " + "x" * 999)).reason
    assert "\n" not in reason
    assert len(reason) < 160
