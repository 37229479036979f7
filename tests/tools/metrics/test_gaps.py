import numpy as np
import pytest

from tools.metrics.gaps import Gap, find_gap

_MINUTES = np.arange(0.0, 600.0, 60.0)


@pytest.mark.parametrize(
    ("times", "end", "gap"),
    [
        (_MINUTES, 540.0, None),
        (_MINUTES, 700.0, None),
        (_MINUTES, 900.0, Gap(9, None, 360.0)),
        (np.concatenate((_MINUTES, _MINUTES + 1200)), 1740.0, Gap(9, 10, 660.0)),
        # A hole does not hide that it stopped.
        (np.concatenate((_MINUTES, _MINUTES + 1200)), 2400.0, Gap(19, None, 660.0)),
        (np.array([0.0, 60.0]), 9999.0, None),
        (np.zeros(0), 9999.0, None),
    ],
)
def test_gaps(times: np.ndarray, end: float, gap: Gap | None) -> None:  # type: ignore[type-arg]
    assert find_gap(times, end) == gap
