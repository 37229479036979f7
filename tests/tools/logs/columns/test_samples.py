import numpy as np
import pytest

from tools.logs.columns.samples import Index, spread


@pytest.mark.parametrize("count", [1, 7, 64, 65, 1000, 123_457])
def test_a_sample_keeps_the_ends_and_is_spread_evenly(count: int) -> None:
    positions = np.arange(count) * 3
    chosen = spread(positions, 64)
    assert len(chosen) <= 64
    assert (chosen[0], chosen[-1]) == (0, positions[-1])
    assert len(chosen) == min(count, 64)
    gaps = np.diff(chosen)
    assert (gaps > 0).all()
    assert np.count_nonzero(gaps == 3) >= len(chosen) // 2, "most stand next to each other"
    assert max(gaps, default=0) <= 3 * (count // 7 + 1)


@pytest.mark.parametrize("num_numbers", [5, 70_000])
def test_positions_are_found_by_number(num_numbers: int) -> None:
    numbers = np.array([3, 0, 3, 4, 0, 3], np.int32)
    index = Index(numbers, num_numbers)
    assert index.positions(3).tolist() == [0, 2, 5]
    assert index.positions(0).tolist() == [1, 4]
    assert index.positions(1).tolist() == []
    assert index.counts[:5].tolist() == [2, 0, 0, 3, 1]
