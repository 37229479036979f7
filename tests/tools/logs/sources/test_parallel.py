from __future__ import annotations

import threading

import pytest

from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchLimits, FetchWatch


def watch(timeout_s: float = 20.0, max_parallel: int = 4) -> FetchWatch:
    return FetchWatch(FetchLimits(timeout_s=timeout_s, max_parallel=max_parallel))


def test_results_stand_in_the_order_of_the_jobs() -> None:
    later = threading.Event()

    def first() -> str:
        later.wait(10)
        return "first"

    def second() -> str:
        later.set()
        return "second"

    assert run_all([first, second], watch()) == ["first", "second"]


def test_no_more_jobs_run_at_once_than_allowed() -> None:
    lock = threading.Lock()
    running: list[int] = []
    most: list[int] = []

    def job() -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.pop()

    run_all([job] * 20, watch(max_parallel=3))
    assert max(most) <= 3
    assert len(most) == 20


def test_what_a_job_raises_is_raised() -> None:
    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_all([fails], watch())


def test_a_wait_that_is_registered_is_ended_at_the_time_limit() -> None:
    the_watch = watch(0.1)
    ended = threading.Event()

    def waits() -> str:
        with the_watch.waiting(ended.set):
            assert ended.wait(10)
        return "came back"

    assert run_all([waits], the_watch) == ["came back"]


def test_a_job_that_does_not_come_back_is_left_and_the_next_not_begun() -> None:
    never = threading.Event()
    begun: list[str] = []

    def stuck() -> str:
        begun.append("stuck")
        never.wait(30)
        return "too late"

    def after() -> str:
        begun.append("after")
        return "after"

    results = run_all([stuck, after], watch(0.1, max_parallel=1), grace_s=0.1)
    assert (results, begun) == ([None, None], ["stuck"])
    never.set()


def test_a_cancelled_watch_begins_nothing() -> None:
    cancelled = FetchWatch(FetchLimits(), is_cancelled=lambda: True)
    assert run_all([lambda: 1], cancelled) == [None]


def test_no_jobs_are_no_results() -> None:
    assert run_all([], watch()) == []
