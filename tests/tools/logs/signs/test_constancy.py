import random

import numpy as np
import pytest

from tools.logs.signs.constancy import is_constant, onset
from tools.logs.signs.history import Times

SPAN = (0, 1_000_000)
NONE = np.zeros(0, np.int64)


def moments(count: int, start: float, end: float, seed: int = 1) -> Times:
    draw = random.Random(seed)
    return np.array(sorted(int(1e6 * draw.uniform(start, end)) for _ in range(count)), np.int64)


@pytest.mark.parametrize("count", [6, 12, 40, 500, 20_000])
def test_what_comes_all_the_time_is_constant(count: int) -> None:
    found = [is_constant(moments(count, 0, 1, seed), SPAN, NONE) for seed in range(40)]
    assert sum(found) >= 30


@pytest.mark.parametrize("count", [6, 12, 40, 500, 20_000])
@pytest.mark.parametrize(("start", "end"), [(0.5, 1), (0, 0.4), (0.45, 0.55), (0.3, 0.75)])
def test_what_has_a_beginning_or_an_end_is_not(count: int, start: float, end: float) -> None:
    found = [is_constant(moments(count, start, end, seed), SPAN, NONE) for seed in range(40)]
    assert sum(found) <= 10


def test_what_follows_the_traffic_is_constant() -> None:
    draw = random.Random(3)
    traffic = np.array(sorted(int(1e6 * draw.betavariate(5, 2)) for _ in range(3000)), np.int64)
    some = traffic[::40]
    assert not is_constant(some, SPAN, NONE)
    assert is_constant(some, SPAN, traffic)


def test_much_of_a_source_that_began_late_is_not_constant() -> None:
    traffic = moments(300, 0.6, 1)
    assert is_constant(traffic[::40], SPAN, traffic)
    assert not is_constant(traffic[::3], SPAN, traffic)


def test_a_few_say_nothing() -> None:
    assert not is_constant(moments(3, 0, 1), SPAN, NONE)
    assert not is_constant(NONE, SPAN, NONE)


def test_the_onset_is_where_it_began() -> None:
    late = moments(200, 0.6, 1)
    assert onset(late, SPAN) == late[0]


def test_the_onset_is_where_the_rate_rose() -> None:
    times = np.sort(np.concatenate([moments(20, 0, 1), moments(400, 0.7, 1)]))
    assert 0.68e6 <= onset(times, SPAN) <= 0.72e6
