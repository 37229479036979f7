import numpy as np
import pytest

from tests.tools.metrics.series_of import series_of
from tools.metrics.limits import (
    ceiling_from,
    fills,
    full_from,
    hours_until,
    is_limit,
)


@pytest.mark.parametrize(
    ("used", "limit", "share"),
    [
        ("db_pool_in_use", "db_pool_size", 0.25),
        ("process_open_fds", "process_max_fds", 0.25),
        ("hikaricp_connections_active", "hikaricp_connections_max", 0.25),
        ("container_memory_working_set_bytes", "container_spec_memory_limit_bytes", 0.25),
        ("go_sql_in_use_connections", "go_sql_max_open_connections", 0.25),
        ("queue_length", "queue_capacity", 0.25),
        ("node_filesystem_avail_bytes", "node_filesystem_size_bytes", 0.75),
        ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", 0.75),
    ],
)
def test_a_use_finds_its_limit(used: str, limit: str, share: float) -> None:
    found = fills([series_of([25], used), series_of([100], limit)])
    assert [(fill.series.name, fill.shares.tolist()) for fill in found] == [(used, [share])]
    assert is_limit(limit)
    assert not is_limit(used)


@pytest.mark.parametrize(
    ("used", "limit"),
    [
        ("db_pool_in_use", "queue_capacity"),
        ("jobs_active", "jobs_total"),
        ("db_pool_idle", "db_pool_size"),
    ],
)
def test_what_does_not_belong_together(used: str, limit: str) -> None:
    assert fills([series_of([25], used), series_of([100], limit)]) == []


def test_the_limit_of_the_same_labels_counts() -> None:
    series = [
        series_of([5], "pool_used", {"db": "a", "host": "x"}),
        series_of([100], "pool_size", {"db": "b"}),
        series_of([10], "pool_size", {"db": "a"}),
    ]
    (fill,) = fills(series)
    assert fill.shares.tolist() == [0.5]


@pytest.mark.parametrize("limit", [0.0, -1.0, 9.2e18, float("nan")])
def test_no_limit_is_none(limit: float) -> None:
    assert fills([series_of([25], "pool_used"), series_of([limit], "pool_size")]) == []


@pytest.mark.parametrize(
    ("name", "value", "share"),
    [
        ("disk_used_percent", 91.0, 0.91),
        ("cpu_utilization_ratio", 0.5, 0.5),
        ("cache_hit_ratio", 0.99, None),
        ("cpu_idle_percent", 95.0, None),
        ("disk_used", 0.95, None),
    ],
)
def test_a_share_is_known_by_its_unit(name: str, value: float, share: float | None) -> None:
    assert [fill.shares.tolist() for fill in fills([series_of([value], name)])] == (
        [] if share is None else [[pytest.approx(share)]]
    )


@pytest.mark.parametrize(
    ("shares", "start"),
    [
        ([0.5, 0.95, 0.5, 0.9, 1.0], 3),
        ([0.95, 0.95], 0),
        ([0.95, 0.5], None),
        ([0.1], None),
    ],
)
def test_full_means_until_the_end(shares: list[float], start: int | None) -> None:
    assert full_from(np.array(shares)) == start


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ([3, 5, 4, 7, 6, 20, 20, 20, 20, 20], 5),
        # Too short, already reached before, constant, not at the highest.
        ([3, 5, 4, 7, 6, 20, 20], None),
        ([3, 20, 4, 7, 6, 20, 20, 20, 20, 20], None),
        ([20] * 10, None),
        ([3, 5, 4, 7, 25, 20, 20, 20, 20, 20], None),
        ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], None),
    ],
)
def test_a_ceiling_is_reached_and_kept(values: list[float], start: int | None) -> None:
    assert ceiling_from(np.array(values, float)) == start


def test_a_straight_line_reaches_its_goal() -> None:
    times = np.arange(0.0, 3600.0, 60.0)
    falling = 100 - times / 3600 * 10
    assert hours_until(times, falling, 0.0) == pytest.approx(9.0, rel=0.01)
    assert hours_until(times, falling, 200.0) is None
    # Two days are too far to tell.
    assert hours_until(times, falling / 100 + 100, 0.0) is None


@pytest.mark.parametrize("goal", [0.0, 100.0])
def test_what_wavers_has_no_forecast(goal: float) -> None:
    times = np.arange(0.0, 3600.0, 60.0)
    assert hours_until(times, 50 + 10 * np.sin(times / 300), goal) is None
