from __future__ import annotations

from collections.abc import Callable

from assistant.engine.pace import ThreadPace


def run(pace: ThreadPace, steps: int, cost_s: Callable[[int], float]) -> list[int]:
    chosen = []
    for _ in range(steps):
        threads = pace.next_threads(1)
        chosen.append(threads)
        pace.observe(threads, 1, cost_s(threads))
    return chosen


def idle(threads: int) -> float:
    return 0.020 if threads > 1 else 0.027


def contended(threads: int) -> float:
    return 1.0 if threads > 1 else 0.030


def test_all_threads_where_they_are_faster_and_few_tries() -> None:
    chosen = run(ThreadPace(4), 1000, idle)
    assert chosen.count(1) < 10
    assert chosen[-1] == 4


def test_one_thread_where_others_want_the_processors() -> None:
    pace = ThreadPace(4)
    run(pace, 100, contended)
    chosen = run(pace, 1000, contended)
    assert chosen.count(4) < 10


def test_it_goes_back_when_the_processors_are_free_again() -> None:
    pace = ThreadPace(2)
    run(pace, 300, contended)
    assert run(pace, 4000, idle)[-1] == 2


def test_prefill_takes_the_choice_and_does_not_change_it() -> None:
    pace = ThreadPace(2)
    pace.observe(2, 256, 9.0)
    pace.observe(1, 256, 1.0)
    assert pace.next_threads(256) == 2


def test_a_single_thread_is_all_there_is() -> None:
    assert set(run(ThreadPace(1), 300, idle)) == {1}
