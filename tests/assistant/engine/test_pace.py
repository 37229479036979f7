from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest

from assistant.engine.pace import ThreadPace

# A 0.5B model on two processors: median seconds by step size, alone and beside a process that
# decodes with two threads. One token is cheaper with one thread there, 8 and more are not.
SIZES = (1, 2, 4, 8, 16, 64, 256)
MEASURED_S = {
    ("idle", 2): (0.016, 0.038, 0.055, 0.064, 0.083, 0.210, 0.767),
    ("idle", 1): (0.020, 0.073, 0.098, 0.125, 0.163, 0.427, 1.491),
    ("crowded", 2): (0.049, 0.149, 0.172, 0.244, 0.262, 0.749, 2.266),
    ("crowded", 1): (0.041, 0.106, 0.133, 0.355, 0.489, 1.196, 4.304),
}

Cost = Callable[[int, int], float]
"""Seconds of a step, by threads and tokens."""


def idle(threads: int, num_tokens: int) -> float:
    return measured("idle", min(threads, 2), num_tokens)


def crowded(threads: int, num_tokens: int) -> float:
    return measured("crowded", min(threads, 2), num_tokens)


def collapsed(threads: int, num_tokens: int) -> float:
    """Spinning threads that keep each other from running: a second for any step."""
    return idle(1, num_tokens) * 1.1 if threads == 1 else 1.0 + idle(2, num_tokens)


def busy_server(threads: int, num_tokens: int) -> float:
    """64 processors, a third of which others want: half of them do nearly as well as all did."""
    alone_s = 0.006 + 0.02 * (64 / threads) ** 0.8 + num_tokens * 0.002 / threads
    return float(alone_s * (8 if threads > 40 else 1))


def measured(state: str, threads: int, num_tokens: int) -> float:
    logs = np.interp(np.log(num_tokens), np.log(SIZES), np.log(MEASURED_S[state, threads]))
    return float(np.exp(logs))


@dataclass
class Run:
    """What a pace chose over some steps, and what that cost beyond the best choice."""

    chosen: list[int] = field(default_factory=list)
    best_s: float = 0.0
    wasted_s: float = 0.0

    @property
    def wasted_share(self) -> float:
        return self.wasted_s / self.best_s


def run(pace: ThreadPace, cost: Cost, sizes: Iterable[int]) -> Run:
    result = Run()
    for num_tokens in sizes:
        threads = pace.next_threads(num_tokens)
        duration_s = cost(threads, num_tokens)
        pace.observe(threads, num_tokens, duration_s)
        best_s = min(cost(option, num_tokens) for option in pace.options)
        result.chosen.append(threads)
        result.best_s += best_s
        result.wasted_s += duration_s - best_s
    return result


def loaded(num_threads: int, cost: Cost) -> ThreadPace:
    """A pace after the trial at the loading of a model, whose first step is cold."""
    pace = ThreadPace(num_threads)
    for threads in pace.options:
        for step in range(2):
            is_first = (threads, step) == (num_threads, 0)
            pace.observe(threads, 1, cost(threads, 1) + is_first)
    return pace


def mixed(num_steps: int, seed: int = 0) -> list[int]:
    """Steps of 1 to 16 streams, some with a chunk of a prompt."""
    random_ = random.Random(seed)
    sizes, num_streams = [], 1
    for _ in range(num_steps):
        num_streams = min(max(num_streams + random_.choice([-1, 0, 0, 1]), 1), 16)
        sizes.append(256 if random_.random() < 0.03 else num_streams)
    return sizes


def times(num_tokens: int, num_steps: int) -> list[int]:
    return [num_tokens] * num_steps


def changing(pace: ThreadPace, num_phases: int, num_steps: int, seed: int) -> Run:
    """Phases of mixed steps, each on a machine in another state."""
    random_, total, previous = random.Random(seed), Run(), idle
    for phase in range(num_phases):
        previous = random_.choice([c for c in (idle, crowded, collapsed) if c is not previous])
        part = run(pace, previous, mixed(num_steps, seed + phase))
        total.best_s += part.best_s
        total.wasted_s += part.wasted_s
    return total


@pytest.mark.parametrize("sizes", [*(times(n, 300) for n in SIZES), mixed(1000)])
def test_all_threads_on_idle_processors(sizes: list[int]) -> None:
    assert set(run(loaded(2, idle), idle, sizes).chosen) == {2}


def test_a_single_thread_is_all_there_is() -> None:
    pace = loaded(1, idle)
    assert pace.options == (1,)
    assert {*run(pace, idle, mixed(300)).chosen, *run(pace, collapsed, mixed(300)).chosen} == {1}


@pytest.mark.parametrize("num_tokens", [1, 2, 8, 16])
def test_spinning_threads_that_block_each_other_are_noticed_at_once(num_tokens: int) -> None:
    pace = loaded(2, idle)
    run(pace, idle, times(num_tokens, 200))
    assert run(pace, collapsed, times(num_tokens, 10)).chosen == [2, *times(1, 9)]


@pytest.mark.parametrize("num_tokens", [1, 2, 8, 16])
def test_a_size_that_was_never_seen_on_idle_processors(num_tokens: int) -> None:
    for state_at_load in (idle, collapsed):
        chosen = run(loaded(2, state_at_load), collapsed, times(num_tokens, 100)).chosen
        assert chosen.count(2) <= 2


@pytest.mark.parametrize("num_tokens", SIZES)
@pytest.mark.parametrize("state", [crowded, collapsed])
def test_each_size_gets_what_is_best_for_it(state: Cost, num_tokens: int) -> None:
    # A size seen first now: that the machine is crowded shows in steps of one token.
    result = run(loaded(2, idle), state, [1, 1, *times(num_tokens, 1500)])
    assert result.wasted_share < 0.08


def test_trials_are_rare_while_streams_run() -> None:
    result = run(loaded(2, idle), collapsed, times(4, 5000))
    slow_steps = result.chosen.count(2)
    assert 3 < slow_steps < 0.06 * result.best_s / collapsed(2, 4)


@pytest.mark.parametrize("num_tokens", [1, 2, 8, 16])
@pytest.mark.parametrize("num_steps", [1, 20, 1000])
def test_it_goes_back_when_the_processors_are_free_again(num_tokens: int, num_steps: int) -> None:
    pace = loaded(2, collapsed)
    run(pace, collapsed, times(num_tokens, num_steps))
    chosen = run(pace, idle, times(num_tokens, 1500)).chosen
    back = chosen.index(2)
    assert back * idle(1, num_tokens) < 25.0
    assert set(chosen[back:]) == {2}


def test_one_size_that_finds_them_free_speaks_for_all() -> None:
    pace = loaded(2, idle)
    run(pace, idle, mixed(500))
    run(pace, collapsed, mixed(500))
    assert run(pace, idle, times(1, 1500)).chosen[-1] == 2
    assert [pace.next_threads(n) for n in (1, 2, 4, 8, 16, 256)] == times(2, 6)


@pytest.mark.parametrize("seed", range(5))
def test_little_is_wasted_however_the_machine_changes(seed: int) -> None:
    assert changing(loaded(2, idle), num_phases=6, num_steps=2000, seed=seed).wasted_share < 0.08


def test_steps_that_grow_with_the_context_are_no_crowd() -> None:
    pace = loaded(2, idle)
    for growth in np.linspace(1.0, 3.0, 3000):
        run(pace, grown(growth), [4])
    assert set(run(pace, grown(3.0), times(4, 500)).chosen) == {2}


def grown(growth: float) -> Cost:
    return lambda threads, num_tokens: growth * idle(threads, num_tokens)


@pytest.mark.parametrize("seed", range(3))
def test_steps_that_are_held_up_at_times_do_little_harm(seed: int) -> None:
    random_ = random.Random(seed)

    def uneven(threads: int, num_tokens: int) -> float:
        return idle(threads, num_tokens) + 0.1 * (random_.random() < 0.02)

    chosen = run(loaded(2, idle), uneven, mixed(2000, seed)).chosen
    assert chosen.count(2) > 0.9 * len(chosen)


@pytest.mark.parametrize("sizes", [*(times(n, 2000) for n in SIZES), mixed(3000)])
def test_half_the_threads_where_others_want_a_few_of_many_processors(sizes: list[int]) -> None:
    pace = loaded(64, busy_server)
    assert pace.options == (64, 32, 1)
    assert run(pace, busy_server, sizes).wasted_share < 0.1


def test_one_thread_is_not_tried_where_it_would_take_an_age() -> None:
    chosen = run(loaded(64, busy_server), busy_server, times(256, 500)).chosen
    assert 1 not in chosen


def test_idle_processors_end_the_crowd_without_a_trial() -> None:
    idle_now: list[float | None] = [None]
    pace = ThreadPace(2, lambda: idle_now[0])
    run(pace, idle, times(1, 50))
    assert run(pace, collapsed, times(1, 60)).chosen.count(2) < 4
    idle_now[0] = 0.3
    assert run(pace, idle, times(1, 5)).chosen.count(2) <= 1
    idle_now[0] = 0.95
    assert run(pace, idle, times(1, 5)).chosen == times(2, 5)
    assert run(pace, idle, [8, 256]).chosen == [2, 2]


def test_dearer_steps_on_processors_of_our_own_are_no_crowd() -> None:
    pace = loaded(2, idle)
    for step in range(400):
        longer = 1 + step / 400
        threads = pace.next_threads(64)
        assert threads == 2
        pace.observe(threads, 64, longer * idle(threads, 64), is_undisturbed=True)
    assert run(pace, collapsed, times(64, 10)).chosen[1:] == times(1, 9)
