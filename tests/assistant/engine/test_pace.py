from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant.engine.pace import ThreadPace

DECODE, PREFILL = 1, 256


def run(
    pace: ThreadPace, steps: int, cost_s: Callable[[int], float], num_tokens: int = DECODE
) -> list[int]:
    chosen = []
    for _ in range(steps):
        threads = pace.next_threads(num_tokens)
        chosen.append(threads)
        pace.observe(threads, num_tokens, num_tokens * cost_s(threads))
    return chosen


def tried(num_threads: int, cost_s: Callable[[int], float]) -> ThreadPace:
    """A pace after the trial at the loading of a model."""
    pace = ThreadPace(num_threads)
    for threads in pace.options:
        for _ in range(2):
            pace.observe(threads, DECODE, cost_s(threads))
    return pace


def idle(threads: int) -> float:
    return 0.020 if threads > 1 else 0.027


def contended(threads: int) -> float:
    return 1.0 if threads > 1 else 0.030


def test_all_threads_on_idle_processors() -> None:
    assert set(run(tried(4, idle), 1000, idle)) == {4}


def test_one_thread_where_others_want_the_processors() -> None:
    chosen = run(tried(4, contended), 1000, contended)
    assert chosen.count(4) < 12


def test_contention_that_begins_later_is_noticed_at_once() -> None:
    pace = tried(4, idle)
    run(pace, 100, idle)
    assert run(pace, 100, contended)[:3] == [4, 1, 1]


@pytest.mark.parametrize("steps", [1, 20, 1000])
def test_it_goes_back_when_the_processors_are_free_again(steps: int) -> None:
    pace = tried(2, contended)
    run(pace, steps, contended)
    assert run(pace, 300, idle)[-1] == 2


def test_prefill_takes_all_threads_unless_decoding_suffers_and_one_is_cheaper() -> None:
    assert run(tried(2, idle), 6, idle, PREFILL) == [2] * 6
    assert run(tried(2, contended), 6, contended, PREFILL) == [2, 1, 1, 1, 2, 1]


def test_prefill_on_processors_that_were_busy_only_during_the_trial() -> None:
    assert run(tried(2, contended), 6, idle, PREFILL) == [2, 1, 2, 2, 2, 2]


def test_a_single_thread_is_all_there_is() -> None:
    assert set(run(tried(1, idle), 300, idle)) == {1}
