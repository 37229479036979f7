import numpy as np
import pytest

from tools.metrics.sparkline import WIDTH, sparkline


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ""),
        ([np.nan, np.nan], ""),
        ([5.0], "▁"),
        ([3.0, 3.0, 3.0], "▁▁▁"),
        ([0.0, 7.0], "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([0.0, np.nan, 7.0, np.inf], "▁█"),
        ([1.0] * 48, "▁" * 24),
        ([0.0] * 72 + [10.0] * 24, "▁" * 18 + "█" * 6),
    ],
)
def test_shapes(values: list[float], expected: str) -> None:
    figures = np.array(values, float)
    assert sparkline(np.arange(len(figures), dtype=float), figures) == expected


def test_a_gap_in_time_is_a_blank() -> None:
    times = np.concatenate((np.arange(100.0), np.arange(200.0, 300.0)))
    line = sparkline(times, np.sin(times))
    assert len(line) == WIDTH
    assert line[8:15].strip() == ""
    assert " " not in line[:7] + line[17:]
