"""The engine on a fake backend: single requests first, then many at once."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from assistant.engine.batch import BatchEngine
from assistant.engine.errors import (
    ContextOverflow,
    DeadlineExceeded,
    DecodeFailed,
    EngineBusy,
    EngineClosed,
    EngineError,
    InvalidGrammar,
    ModelLoadError,
    RequestRefused,
)
from assistant.engine.interface import (
    GenerateRequest,
    Priority,
    Sampling,
    Segment,
    TextDelta,
)
from assistant.engine.scheduler import Limits
from assistant.engine.snapshots import Snapshots

from .fake_backend import FakeBackend, FakeGrammar
from .invariants import check
from .reading import run


def request(prompt: str, max_tokens: int = 20, **options: object) -> GenerateRequest:
    return GenerateRequest([Segment(prompt)], max_tokens, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def opened(backend: FakeBackend, **options: object) -> AsyncIterator[BatchEngine]:
    """An engine that is closed, and whose cells are checked, in the end."""
    engine = BatchEngine(lambda: backend, **options)  # type: ignore[arg-type]
    try:
        yield engine
        await until(lambda: engine.status().num_running == 0)
    finally:
        await engine.aclose()
        # Only now: the index is the owner thread's.
        check(engine._core.index, backend)
        assert backend.is_closed
        assert not backend.open_grammars


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is of another thread
            await asyncio.sleep(0.001)


def decoded(backend: FakeBackend) -> str:
    return "".join(chr(t) for step in backend.steps for part in step for t in part.tokens)


async def test_text_then_one_finished_with_usage() -> None:
    async with opened(FakeBackend({"ab": "cde"})) as engine:
        text, finished = await run(engine, request("ab"))
    assert text == "cde"
    assert finished.reason == "stop"
    usage = finished.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (2, 0, 4)
    assert 0 < usage.ttft_s <= usage.total_s


async def test_shared_prefix_is_not_computed_again() -> None:
    backend = FakeBackend({"system-one": "1", "system-two": "2"})
    async with opened(backend) as engine:
        await run(engine, request("system-one"))
        backend.steps.clear()
        text, finished = await run(engine, request("system-two"))
    assert text == "2"
    assert finished.usage.cached_tokens == len("system-")
    assert decoded(backend) == "two2"


async def test_same_prompt_again_computes_its_last_token() -> None:
    async with opened(FakeBackend({"abc": "x"})) as engine:
        await run(engine, request("abc"))
        _, finished = await run(engine, request("abc"))
    assert finished.usage.cached_tokens == 2


async def test_next_turn_finds_the_answer_of_the_turn_before() -> None:
    backend = FakeBackend({"q1:": "answer", "q1:answer q2:": "more"})
    async with opened(backend) as engine:
        await run(engine, request("q1:"))
        text, finished = await run(engine, request("q1:answer q2:"))
    assert text == "more"
    assert finished.usage.cached_tokens == len("q1:answer")


async def test_max_tokens_ends_with_length() -> None:
    async with opened(FakeBackend({"a": "bcdefg"})) as engine:
        text, finished = await run(engine, request("a", max_tokens=3))
    assert (text, finished.reason) == ("bcd", "length")


async def test_context_ends_with_length() -> None:
    async with opened(FakeBackend({"abcde": "fghijkl"}, context_tokens=8)) as engine:
        text, finished = await run(engine, request("abcde", max_tokens=100))
    assert (text, finished.reason) == ("fgh", "length")


async def test_stop_string_is_not_part_of_the_text() -> None:
    async with opened(FakeBackend({"q": "answer END more"})) as engine:
        text, finished = await run(engine, request("q", stop=("END",)))
    assert (text, finished.reason) == ("answer ", "stop")


async def test_grammar_binds_the_text_and_is_freed() -> None:
    backend = FakeBackend()
    async with opened(backend) as engine:
        text, finished = await run(engine, request("q", max_tokens=9, grammar="x?y?z*"))
        assert finished.reason == "length"
        stream = engine.generate(request("q", grammar="x?*"))
        await anext(stream)
        await stream.aclose()
        await until(lambda: len(backend.open_grammars) == backend.num_compiled == 2)
    assert (text[0], text[2], text[4]) == ("x", "y", "z")


async def test_grammar_is_compiled_once_for_all_that_have_it() -> None:
    backend = FakeBackend()
    async with opened(backend) as engine:
        for _ in range(3):
            await run(engine, request("q", 5, grammar="a???"))
    assert backend.num_compiled == 1


async def test_forced_text_needs_no_steps_of_its_own() -> None:
    backend = FakeBackend()
    async with opened(backend) as engine:
        text, finished = await run(engine, request("q", grammar="name:?:value:?.end"))
    assert text[:5] + text[6:13] + text[14:] == "name::value:.end"
    assert finished.reason == "stop"
    assert finished.usage.completion_tokens == len(text)
    assert len(backend.steps) == 4


async def test_text_that_is_forced_from_end_to_end_needs_no_model() -> None:
    backend = FakeBackend()
    async with opened(backend) as engine:
        text, finished = await run(engine, request("q", grammar="yes"))
        cut, _ = await run(engine, request("q", 2, grammar="yes"))
    assert (text, finished.reason, cut) == ("yes", "stop", "ye")
    assert backend.steps == []


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (request(""), RequestRefused),
        (request("a", max_tokens=0), RequestRefused),
        (request("a", stop=("",)), RequestRefused),
        (request("a", sampling=Sampling(temperature=-1.0)), RequestRefused),
        (request("a" * 64), ContextOverflow),
        (request("a", grammar=""), InvalidGrammar),
    ],
)
async def test_bad_request_is_refused_and_the_next_one_served(
    wanted: GenerateRequest, error: type[Exception]
) -> None:
    async with opened(FakeBackend({"ok": "!"})) as engine:
        with pytest.raises(error):
            await run(engine, wanted)
        assert (await run(engine, request("ok")))[0] == "!"


async def test_overflow_names_the_numbers() -> None:
    async with opened(FakeBackend(context_tokens=64)) as engine:
        with pytest.raises(ContextOverflow) as caught:
            await run(engine, request("a" * 100))
    assert (caught.value.needed, caught.value.available) == (100, 64)
    assert "100" in caught.value.message
    assert "64" in caught.value.message


async def test_failed_step_forgets_the_cache_and_serves_the_next_request() -> None:
    backend = FakeBackend({"ok": "!"})
    async with opened(backend) as engine:
        backend.fails_at_step = 1
        with pytest.raises(DecodeFailed):
            await run(engine, request("abcdefghijkl"))
        backend.fails_at_step = None
        text, finished = await run(engine, request("ok"))
    assert (text, finished.usage.cached_tokens) == ("!", 0)


async def test_unforeseen_failure_ends_the_request_not_the_engine(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = FakeBackend({"ok": "!"})

    def explode() -> None:
        raise ZeroDivisionError("boom")

    async with opened(backend) as engine:
        backend.before_decode = explode
        with pytest.raises(Exception, match="boom"):
            await run(engine, request("q"))
        backend.before_decode = lambda: None
        assert (await run(engine, request("ok")))[0] == "!"
    assert "ZeroDivisionError" in caplog.text


async def test_unforeseen_failure_of_an_admission_ends_the_request_not_the_engine() -> None:
    class Odd(FakeBackend):
        def compile_grammar(self, gbnf: str) -> FakeGrammar:
            raise ZeroDivisionError("boom")

    async with opened(Odd({"ok": "!"})) as engine:
        with pytest.raises(EngineError, match="boom"):
            await run(engine, request("q", grammar="x"))
        assert (await run(engine, request("ok")))[0] == "!"


async def test_requests_at_once_get_what_each_gets_alone() -> None:
    prompts = [f"shared beginning {n}" for n in range(8)]
    alone = {}
    async with opened(FakeBackend()) as engine:
        for prompt in prompts:
            alone[prompt] = (await run(engine, request(prompt)))[0]
    backend = FakeBackend(num_cells=256, max_sequences=20)
    async with opened(backend) as engine:
        together = await asyncio.gather(*(run(engine, request(prompt)) for prompt in prompts))
    assert [text for text, _ in together] == [alone[prompt] for prompt in prompts]
    assert max(len(step) for step in backend.steps) > 4


async def test_unseen_prefix_that_many_share_is_computed_once() -> None:
    prompts = [f"a long beginning that all of them have in common, {n}" for n in range(6)]
    backend = FakeBackend(context_tokens=128, num_cells=512, max_sequences=20)
    async with opened(backend) as engine:
        answers = await asyncio.gather(*(run(engine, request(p, 1)) for p in prompts))
    assert backend.num_decoded < len(prompts[0]) + 6 * 4
    assert sum(finished.usage.cached_tokens for _, finished in answers) > 5 * 40


async def test_long_prompt_does_not_hold_up_a_stream() -> None:
    backend = FakeBackend(context_tokens=512, max_sequences=8, max_step_tokens=32)
    async with opened(backend, limits=Limits(32, 8)) as engine:
        stream = engine.generate(request("stream", max_tokens=60))
        await anext(stream)
        late = asyncio.create_task(run(engine, request("p" * 200, max_tokens=1)))
        async for _ in stream:
            pass
        await late
    both = [step for step in backend.steps if len(step) == 2]
    assert len(both) >= 200 // 8
    assert all(sum(len(part.tokens) for part in step) <= 8 + 1 for step in both)


async def test_cancel_frees_the_cells_at_once() -> None:
    backend = FakeBackend()
    async with opened(backend) as engine:
        stream = engine.generate(request("abcdef", max_tokens=40))
        await anext(stream)
        assert engine.status().num_used_cells >= 6
        await stream.aclose()
        await until(lambda: engine.status().num_used_cells == 0)
        assert engine.status().num_running == 0
        assert not backend.cells


async def test_cancelled_task_leaves_the_engine_usable() -> None:
    backend = FakeBackend({"ok": "!"})
    backend.step_s = 0.005
    async with opened(backend) as engine:
        task = asyncio.create_task(run(engine, request("x" * 30)))
        await until(lambda: engine.status().num_running == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await run(engine, request("ok")))[0] == "!"


async def test_consumer_that_dies_is_cancelled() -> None:
    async with opened(FakeBackend()) as engine:
        stream = engine.generate(request("abc", max_tokens=40))
        await anext(stream)
        del stream
        gc.collect()
        await until(lambda: engine.status().num_running == 0)


async def test_consumer_whose_loop_is_gone_is_forgotten() -> None:
    backend = FakeBackend(context_tokens=4096)
    backend.step_s = 0.002
    async with opened(backend) as engine:

        def die() -> None:
            loop = asyncio.new_event_loop()
            stream = engine.generate(request("abc", max_tokens=4000))
            loop.run_until_complete(anext(stream))
            stream_kept.append(stream)
            loop.close()

        stream_kept: list[object] = []
        await asyncio.to_thread(die)
        await until(lambda: engine.status().num_running == 0)


async def test_consumer_that_stops_reading_is_parked_and_goes_on_later() -> None:
    backend = FakeBackend(context_tokens=1024, num_cells=1024)
    async with opened(backend) as engine:
        expected, _ = await run(engine, request("slow", max_tokens=300))
        stream = engine.generate(request("slow", max_tokens=300))
        text = (await anext(stream)).text  # type: ignore[union-attr]
        await until(lambda: engine.status().num_waiting == 1)
        assert engine.status().num_running == 0
        num_steps = len(backend.steps)
        assert (await run(engine, request("other", max_tokens=5)))[0]
        assert len(backend.steps) < num_steps + 20
        async for event in stream:
            text += event.text if isinstance(event, TextDelta) else ""
    assert text == expected


async def test_deadline_ends_a_request_with_the_numbers() -> None:
    backend = FakeBackend(context_tokens=1024)
    backend.step_s = 0.01
    async with opened(backend) as engine:
        with pytest.raises(DeadlineExceeded) as caught:
            await run(engine, request("abc", max_tokens=1000, deadline_s=0.1))
    assert caught.value.num_tokens > 0
    assert "0.1 s" in caught.value.message


async def test_deadline_counts_while_nobody_reads() -> None:
    async with opened(FakeBackend(context_tokens=1024)) as engine:
        stream = engine.generate(request("abc", max_tokens=1000, deadline_s=1.5))
        await anext(stream)
        await until(lambda: engine.status().num_waiting == 1)
        await until(lambda: engine.status().num_waiting == 0)
        with pytest.raises(DeadlineExceeded):
            async for _ in stream:
                pass


async def test_queue_has_an_end_and_says_the_position() -> None:
    backend = FakeBackend()
    backend.step_s = 0.01
    limits = Limits(8, 8, max_running=1, max_waiting=2)
    async with opened(backend, limits=limits) as engine:
        tasks = [asyncio.create_task(run(engine, request("q", 8))) for _ in range(3)]
        await until(lambda: engine.status().num_waiting == 2)
        with pytest.raises(EngineBusy, match="busy, position 3") as caught:
            await run(engine, request("late"))
        assert (caught.value.position, caught.value.limit) == (3, 2)
        text, _ = await run(engine, request("fire", 3, priority=Priority.ALERT))
        assert len(text) == 3
        await asyncio.gather(*tasks)


async def test_two_hundred_requests_at_once_are_served_or_refused() -> None:
    backend = FakeBackend(num_cells=256, max_sequences=20, max_step_tokens=64)
    async with opened(backend) as engine:
        results = await asyncio.gather(
            *(run(engine, request(f"question {n}", 5)) for n in range(200)), return_exceptions=True
        )
    refused = [r for r in results if isinstance(r, BaseException)]
    assert all(isinstance(error, EngineBusy) for error in refused)
    assert len(results) - len(refused) >= 64
    assert len(refused) >= 100


async def test_alert_takes_the_place_of_what_is_less_urgent_which_goes_on_later() -> None:
    backend = FakeBackend(num_cells=64, context_tokens=48)
    backend.step_s = 0.002
    expected = {}
    async with opened(FakeBackend(context_tokens=48)) as engine:
        for prompt in ("background", "alert!"):
            expected[prompt] = (await run(engine, request(prompt, 30)))[0]
    async with opened(backend, limits=Limits(8, 8, max_running=1)) as engine:
        ended = []

        async def ask(prompt: str, priority: Priority) -> str:
            text, _ = await run(engine, request(prompt, 30, priority=priority))
            ended.append(prompt)
            return text

        slow = asyncio.create_task(ask("background", Priority.BACKGROUND))
        await until(lambda: len(backend.steps) > 6)
        assert await ask("alert!", Priority.ALERT) == expected["alert!"]
        assert await slow == expected["background"]
        assert engine.status().num_preemptions == 1
    assert ended == ["alert!", "background"]


async def test_closing_fails_what_runs_and_what_comes_later() -> None:
    backend = FakeBackend(context_tokens=4096)
    backend.step_s = 0.002
    engine = BatchEngine(lambda: backend)
    task = asyncio.create_task(run(engine, request("abc", max_tokens=4000)))
    await until(lambda: engine.status().num_running == 1)
    await engine.aclose()
    with pytest.raises(EngineClosed):
        await task
    with pytest.raises(EngineClosed):
        await run(engine, request("abc"))
    assert backend.is_closed
    await engine.aclose()


async def test_owner_thread_ends_with_the_engine() -> None:
    before = threading.active_count()
    async with opened(FakeBackend()) as engine:
        await run(engine, request("abc", 2))
    names = [thread.name for thread in threading.enumerate()]
    assert "engine" not in names, (before, names)


async def test_warmed_prefix_stays_when_everything_else_is_evicted() -> None:
    backend = FakeBackend(num_cells=40, context_tokens=40)
    async with opened(backend) as engine:
        usage = await engine.warm([Segment("system:")])
        assert (usage.prompt_tokens, usage.cached_tokens) == (7, 0)
        for n in range(8):
            await run(engine, request(f"other prompt {n}", 12))
        _, finished = await run(engine, request("system:hello", 2))
        assert finished.usage.cached_tokens == 7
        assert (await engine.warm([Segment("system:")])).cached_tokens == 7


async def test_warmed_prefix_gives_way_to_a_request_that_needs_all() -> None:
    backend = FakeBackend(num_cells=40, context_tokens=40)
    async with opened(backend) as engine:
        await engine.warm([Segment("system:")])
        text, _ = await run(engine, request("x" * 30, 10))
        assert len(text) == 10


async def test_snapshot_saves_computing_in_another_engine(tmp_path: Path) -> None:
    for expected_cached in (0, 7):
        backend = FakeBackend()
        async with opened(backend, snapshots=Snapshots(tmp_path, 10_000, "digest")) as engine:
            usage = await engine.warm([Segment("system:")])
            assert usage.cached_tokens == expected_cached
            backend.steps.clear()
            text, finished = await run(engine, request("system:hello", 4))
            assert finished.usage.cached_tokens == 7
            assert decoded(backend).startswith("hello")
    async with opened(FakeBackend()) as engine:
        assert (await run(engine, request("system:hello", 4)))[0] == text


async def test_status_counts_hits() -> None:
    async with opened(FakeBackend({"ab": "c"})) as engine:
        await run(engine, request("ab"))
        await run(engine, request("ab"))
        status = engine.status()
    assert (status.num_prompt_tokens, status.num_cached_tokens) == (4, 1)
    assert status.num_completion_tokens == 4
    assert (status.num_running, status.num_waiting) == (0, 0)


async def test_early_close_of_the_stream_is_a_cancel() -> None:
    async with opened(FakeBackend()) as engine:
        async with aclosing(engine.generate(request("abc", max_tokens=30))) as events:
            async for _ in events:
                break
        await until(lambda: engine.status().num_running == 0)


def test_what_opening_fails_with_is_raised_where_the_engine_is_opened() -> None:
    def fail() -> FakeBackend:
        raise ModelLoadError("no such file", "look again")

    with pytest.raises(ModelLoadError, match="no such file"):
        BatchEngine(fail)
    assert "engine" not in [thread.name for thread in threading.enumerate()]


async def test_everything_of_the_model_happens_on_one_thread() -> None:
    threads = set()

    class Threaded(FakeBackend):
        def __init__(self) -> None:
            super().__init__()
            threads.add(threading.current_thread().name)
            self.before_decode = lambda: threads.add(threading.current_thread().name)

        def close(self) -> None:
            threads.add(threading.current_thread().name)

    engine = BatchEngine(Threaded)
    await run(engine, request("abc", 3))
    await engine.aclose()
    assert threads == {"engine"}
