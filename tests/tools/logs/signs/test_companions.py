from collections.abc import Callable

import numpy as np
import pytest

from tools.logs.moments import SECOND
from tools.logs.signs.companions import Companion, companions, episodes
from tools.logs.signs.source import SourceSigns

Look = Callable[..., SourceSigns]
Records = list[tuple[float, str]]
OUTAGES = [20.0, 41.0, 58.0, 83.0, 101.0]
LEADS = [3, 15, 9, 16, 12]


def found(look: Look, records: Records) -> list[Companion]:
    noise = [(float(n), f"INFO served {n}") for n in range(120)]
    history = look([*noise, *records]).history
    start = history.span[0] if history.span else 0
    began = np.array([start + int(second * SECOND) for second in OUTAGES], np.int64)
    return list(companions(history, began))


def test_what_came_before_each_outage_is_found(look: Look) -> None:
    (companion,) = found(look, [(second - 3, "INFO sweep begins") for second in OUTAGES])
    assert (companion.num_episodes, companion.lead) == (5, 3 * SECOND)


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([(second - 3, "INFO sweep") for second in OUTAGES[:4]], id="not each time"),
        pytest.param([(second + 1, "INFO sweep") for second in OUTAGES], id="after it"),
        pytest.param([(second - 0.1, "INFO sweep") for second in OUTAGES], id="part of it"),
        pytest.param([(second - 3, "ERROR sweep") for second in OUTAGES], id="itself a problem"),
        pytest.param([(second - 3, "INFO api listening") for second in OUTAGES], id="a start"),
        pytest.param([(n * 4.0, "INFO sweep") for n in range(30)], id="far more often"),
        pytest.param(
            [(s - lead, "INFO sweep") for s, lead in zip(OUTAGES, LEADS, strict=True)],
            id="by chance",
        ),
    ],
)
def test_what_is_no_companion(look: Look, records: Records) -> None:
    assert found(look, records) == []


def test_twice_is_chance(look: Look) -> None:
    history = look([(second - 3, "INFO sweep") for second in OUTAGES]).history
    assert list(companions(history, history.all_times[:2] + 3 * SECOND)) == []


def test_records_close_together_are_one_episode() -> None:
    times = np.array([0, 1, 2, 60, 61, 200], np.int64) * SECOND
    assert (episodes(times, (0, 300 * SECOND)) // SECOND).tolist() == [0, 60, 200]
