"""What the engine says of its requests, also to those who ask from another thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from assistant.engine.core import EngineCore
from assistant.engine.interface import EngineStatus, GenerateRequest, Priority, Segment
from assistant.engine.scheduler import Limits
from assistant.engine.sequence import Sequence

from .fake_backend import FakeBackend
from .reading import Reader


def core_of(**limits: int) -> EngineCore:
    backend = FakeBackend(context_tokens=200, num_cells=400, max_sequences=12)
    return EngineCore(backend, Limits(8, 8, **limits))


def admitted(
    core: EngineCore, prompt: str, max_tokens: int = 20, priority: Priority = Priority.CHAT
) -> Sequence:
    request = GenerateRequest([Segment(prompt)], max_tokens, priority=priority)
    sequence = Sequence(request, [ord(c) for c in prompt], max_tokens, Reader())
    core.admit(sequence)
    return sequence


def states(status: EngineStatus) -> list[str]:
    return [request.state for request in status.requests]


def test_a_request_is_followed_from_its_prompt_to_its_end() -> None:
    core = core_of()
    admitted(core, "a prompt of 20 chars", 3, Priority.ALERT)
    assert states(core.status()) == ["waiting"]
    core.step()
    [begun] = core.status().requests
    assert (begun.state, begun.priority) == ("prefill", Priority.ALERT)
    assert (begun.num_prompt_tokens, begun.num_computed_tokens) == (20, 8)
    assert (begun.num_new_tokens, begun.max_new_tokens) == (0, 3)
    assert begun.age_s > 0
    core.step()
    core.step()
    [streaming] = core.status().requests
    assert (streaming.state, streaming.num_new_tokens) == ("decode", 1)
    while core.step():
        pass
    assert core.status().requests == ()


def test_what_was_cached_before_is_told_of_the_request() -> None:
    core = core_of()
    admitted(core, "a long prefix: one", 1)
    while core.step():
        pass
    admitted(core, "a long prefix: two", 5)
    core.step()
    assert [r.num_cached_tokens for r in core.status().requests] == [len("a long prefix: ")]


def test_who_has_no_place_waits_and_who_is_not_read_is_paused() -> None:
    core = core_of(max_running=1, max_waiting=7)
    stalled = admitted(core, "abc")
    core.step()
    admitted(core, "xyz")
    core.step()
    assert states(core.status()) == ["decode", "waiting"]
    assert isinstance(stalled.reader, Reader)
    stalled.reader.stops_reading = True
    core.step()
    status = core.status()
    assert states(status) == ["decode", "paused"]
    assert (status.num_running, status.num_waiting) == (1, 1)
    assert (status.max_running, status.max_waiting) == (1, 7)


def test_the_counts_for_rates_grow_while_a_request_runs() -> None:
    core = core_of()
    admitted(core, "0123456789", 6)
    seen = []
    while core.step():
        status = core.status()
        seen.append((status.num_computed_tokens, status.num_generated_tokens))
    assert seen[:3] == [(8, 0), (10, 1), (11, 2)]
    assert core.status().num_completion_tokens == seen[-1][1] == 6


def test_a_request_that_gives_way_begins_anew_and_its_tokens_count_again() -> None:
    core = core_of(max_running=1)
    admitted(core, "background", 30, Priority.BACKGROUND)
    for _ in range(4):
        core.step()
    assert core.status().num_computed_tokens == 12
    admitted(core, "alert", 2, Priority.ALERT)
    core.step()
    status = core.status()
    assert [(r.priority, r.state) for r in status.requests] == [
        (Priority.ALERT, "decode"),
        (Priority.BACKGROUND, "waiting"),
    ]
    assert (status.requests[1].num_computed_tokens, status.num_preemptions) == (0, 1)
    assert status.num_computed_tokens == 12 + len("alert")


def test_asking_from_another_thread_disturbs_nobody() -> None:
    core = core_of(max_running=3)
    is_over = threading.Event()

    def ask() -> int:
        num_seen = 0
        while not is_over.is_set():
            requests = core.status().requests
            assert len(requests) <= 4
            num_seen += len(requests)
        return num_seen

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            for number in range(20):
                for part in "abcd":
                    admitted(core, f"{part} question {number}", 6, Priority(number % 3))
                while core.step():
                    pass
        finally:
            is_over.set()
        assert asking.result() > 0
