from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest

from assistant.engine.errors import (
    ContextOverflow,
    DecodeFailed,
    EngineClosed,
    InvalidGrammar,
    RequestRefused,
)
from assistant.engine.interface import Finished, GenerateRequest, Segment, TextDelta
from assistant.engine.serial import SerialEngine

from .fake_backend import FakeBackend


def request(prompt: str, max_tokens: int = 20, **options: object) -> GenerateRequest:
    return GenerateRequest([Segment(prompt)], max_tokens, **options)  # type: ignore[arg-type]


async def run(engine: SerialEngine, wanted: GenerateRequest) -> tuple[str, Finished]:
    text = ""
    async for event in engine.generate(wanted):
        if isinstance(event, TextDelta):
            text += event.text
        else:
            return text, event
    raise AssertionError("a request ends in Finished")


async def test_text_then_one_finished_with_usage() -> None:
    engine = SerialEngine(FakeBackend({"ab": "cde"}))
    text, finished = await run(engine, request("ab"))
    assert text == "cde"
    assert finished.reason == "stop"
    usage = finished.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (2, 0, 4)
    assert 0 < usage.ttft_s <= usage.total_s


async def test_shared_prefix_is_not_computed_again_but_for_its_last_token() -> None:
    backend = FakeBackend({"system-one": "1", "system-two": "2"})
    engine = SerialEngine(backend)
    await run(engine, request("system-one"))
    backend.decoded.clear()
    text, finished = await run(engine, request("system-two"))
    assert text == "2"
    assert finished.usage.cached_tokens == len("system-")
    assert "".join(chr(t) for chunk in backend.decoded for t in chunk) == "two2"


async def test_same_prompt_again_computes_one_token() -> None:
    backend = FakeBackend({"abc": "x"})
    engine = SerialEngine(backend)
    await run(engine, request("abc"))
    _, finished = await run(engine, request("abc"))
    assert finished.usage.cached_tokens == 2


async def test_max_tokens_ends_with_length() -> None:
    text, finished = await run(SerialEngine(FakeBackend()), request("a", max_tokens=3))
    assert (text, finished.reason) == ("bcd", "length")


async def test_context_ends_with_length() -> None:
    engine = SerialEngine(FakeBackend(context_tokens=8))
    text, finished = await run(engine, request("abcde", max_tokens=100))
    assert (text, finished.reason) == ("fgh", "length")


async def test_stop_string_is_not_part_of_the_text() -> None:
    engine = SerialEngine(FakeBackend({"q": "answer END more"}))
    text, finished = await run(engine, request("q", stop=("END",)))
    assert (text, finished.reason) == ("answer ", "stop")


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (request(""), RequestRefused),
        (request("a", max_tokens=0), RequestRefused),
        (request("a" * 64), ContextOverflow),
        (request("a", grammar=""), InvalidGrammar),
    ],
)
async def test_bad_request_is_refused_and_the_next_one_served(
    wanted: GenerateRequest, error: type[Exception]
) -> None:
    engine = SerialEngine(FakeBackend({"ok": "!"}))
    with pytest.raises(error):
        await run(engine, wanted)
    assert (await run(engine, request("ok")))[0] == "!"


async def test_overflow_names_the_numbers() -> None:
    with pytest.raises(ContextOverflow) as caught:
        await run(SerialEngine(FakeBackend(context_tokens=64)), request("a" * 100))
    assert (caught.value.needed, caught.value.available) == (100, 64)
    assert "100" in caught.value.message
    assert "64" in caught.value.message


async def test_failed_decode_forgets_the_cache_and_serves_the_next_request() -> None:
    backend = FakeBackend({"ok": "!"})
    engine = SerialEngine(backend)
    backend.fails_at = 4
    with pytest.raises(DecodeFailed):
        await run(engine, request("abcdefgh"))
    backend.fails_at = None
    text, finished = await run(engine, request("ok"))
    assert (text, finished.usage.cached_tokens) == ("!", 0)


async def test_unforeseen_failure_ends_the_request_not_the_engine(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = FakeBackend({"ok": "!"})
    engine = SerialEngine(backend)

    def explode() -> None:
        raise ZeroDivisionError("boom")

    backend.before_decode = explode
    with pytest.raises(Exception, match="boom"):
        await run(engine, request("ab"))
    assert "ZeroDivisionError" in caplog.text
    backend.before_decode = lambda: None
    assert (await run(engine, request("ok")))[0] == "!"


async def test_grammar_is_asked_and_freed() -> None:
    backend = FakeBackend({"q": "abx"})
    engine = SerialEngine(backend)
    text, _ = await run(engine, request("q", grammar="ab"))
    await engine.aclose()
    assert text == "ab"
    assert backend.grammars[0].is_closed


async def test_closing_the_iterator_stops_the_work() -> None:
    backend = FakeBackend()
    engine = SerialEngine(backend)
    async with aclosing(engine.generate(request("a", max_tokens=60))) as events:
        await anext(events)
    assert (await run(engine, request("z", max_tokens=1)))[0] == "{"
    assert len(backend.decoded) < 60


async def test_cancelled_during_prefill_decodes_no_further_chunk() -> None:
    backend = FakeBackend()
    engine = SerialEngine(backend)
    has_begun, may_go_on = threading.Event(), threading.Event()

    def wait() -> None:
        has_begun.set()
        may_go_on.wait(5)

    backend.before_decode = wait
    task = asyncio.create_task(run(engine, request("abcdefghijkl")))
    await asyncio.to_thread(has_begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_go_on.set()
    backend.before_decode = lambda: None
    await run(engine, request("z", max_tokens=1))
    assert backend.decoded[0] == tuple(map(ord, "abcd"))
    assert backend.decoded[1] == (ord("z"),)


async def test_closing_fails_what_runs_and_what_comes() -> None:
    backend = FakeBackend()
    engine = SerialEngine(backend)
    stream = engine.generate(request("a", max_tokens=60))
    await anext(stream)
    await engine.aclose()
    assert backend.is_closed
    with pytest.raises(EngineClosed):
        async for _ in stream:
            pass
    with pytest.raises(EngineClosed):
        await run(engine, request("a"))


async def test_waiting_requests_are_served_in_turn() -> None:
    engine = SerialEngine(FakeBackend({f"q{n}": str(n) for n in range(8)}))
    answers = await asyncio.gather(*(run(engine, request(f"q{n}")) for n in range(8)))
    assert [text for text, _ in answers] == [str(n) for n in range(8)]
