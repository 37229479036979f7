from __future__ import annotations

import random

import pytest

from assistant.engine.cost import StepCost

# A 1.5B model on two processors: milliseconds by the number of tokens.
CPU_MS = {1: 27, 2: 50, 3: 72, 4: 83, 6: 119, 8: 138, 12: 176, 16: 180, 32: 230, 64: 422, 256: 1572}


def measured(*sizes: int) -> StepCost:
    cost = StepCost()
    for _ in range(30):
        for size in sizes:
            cost.observe(size, CPU_MS[size] / 1000)
    return cost


@pytest.mark.parametrize(("base", "size"), [(1, 2), (1, 16), (4, 256), (16, 1), (8, 8)])
def test_measured_sizes_are_what_was_measured(base: int, size: int) -> None:
    assert measured(base, size).growth(base, size) == pytest.approx(
        CPU_MS[size] / CPU_MS[base], rel=0.01
    )


@pytest.mark.parametrize("size", CPU_MS)
def test_two_far_sizes_foretell_those_between(size: int) -> None:
    cost = measured(1, 256)
    assert cost.growth(1, size) == pytest.approx(CPU_MS[size] / CPU_MS[1], rel=0.5)


@pytest.mark.parametrize("cost", [StepCost(), measured(4)])
def test_beyond_the_measured_it_grows_with_the_root(cost: StepCost) -> None:
    assert cost.growth(4, 16) == pytest.approx(2.0)
    assert cost.growth(4, 1) == pytest.approx(0.5)


def test_the_first_step_of_a_size_is_not_taken_at_its_word() -> None:
    cost = measured(1, 4)
    cost.observe(2, 5 * CPU_MS[2] / 1000)
    assert cost.growth(1, 2) < 2.5 * CPU_MS[2] / CPU_MS[1]


def test_one_slow_step_changes_little_and_many_change_it() -> None:
    cost = measured(1, 4)
    cost.observe(4, 10 * CPU_MS[4] / 1000)
    assert cost.growth(1, 4) < 1.6 * CPU_MS[4] / CPU_MS[1]
    for _ in range(50):
        cost.observe(4, 10 * CPU_MS[4] / 1000)
    assert cost.growth(1, 4) == pytest.approx(10 * CPU_MS[4] / CPU_MS[1], rel=0.01)


def test_noise_averages_out() -> None:
    cost, noise = StepCost(), random.Random(0)
    for _ in range(500):
        for size in (1, 8):
            cost.observe(size, CPU_MS[size] / 1000 * noise.uniform(0.8, 1.25))
    assert cost.growth(1, 8) == pytest.approx(CPU_MS[8] / CPU_MS[1], rel=0.2)


def test_sizes_that_were_not_seen_for_long_are_forgotten() -> None:
    cost = measured(1, 16)
    for _ in range(3000):
        cost.observe(1, 0.027)
        cost.observe(4, 0.083)
    assert cost.growth(1, 16) == pytest.approx(2 * 83 / 27, rel=0.01)


@pytest.mark.parametrize(("size", "other"), [(15, 16), (30, 31), (32, 34), (240, 256)])
def test_sizes_that_are_told_apart(size: int, other: int) -> None:
    cost = StepCost()
    for _ in range(30):
        cost.observe(size, 1.0)
        cost.observe(other, 2.0)
    assert cost.growth(size, other) == pytest.approx(2.0, rel=0.01)


def test_an_instant_step_is_accepted() -> None:
    cost = measured(1)
    cost.observe(2, 0.0)
    assert 0.0 < cost.growth(1, 2) < 1.0
