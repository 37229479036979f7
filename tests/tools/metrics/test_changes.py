from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.tools.metrics.series_of import START, STEP_S, series_of, span_of
from tools.metrics.changes import ChangeKind, MetricChange
from tools.metrics.series import Series, utc
from tools.metrics.survey import judge


def _minute(number: int) -> datetime:
    return utc(START) + timedelta(seconds=number * STEP_S)


def _changes(*series: Series, window_from: int = 0) -> tuple[MetricChange, ...]:
    number = max(round((one.times[-1] - START) / STEP_S) + 1 for one in series)
    return judge(series, span_of(number, window_from)).changes


def _quiet(number: int, level: float = 5.0) -> list[float]:
    return list(np.random.default_rng(0).normal(level, 0.5, number))


def test_a_step_says_when_and_how_much() -> None:
    (change,) = _changes(series_of(_quiet(60) + _quiet(20, 50)))
    assert (change.kind, change.at, change.direction) == ("shift", _minute(60), "rose")
    assert (change.before, change.after) == (pytest.approx(5, abs=0.3), pytest.approx(50, abs=0.5))
    assert change.strength > 0.8
    assert 0.6 < change.suspicion < 0.9
    assert change.sparkline.startswith("▁▁▁▁")
    assert change.sparkline.endswith("███")
    # The sample that shows it is the extreme.
    assert change.series.values[change.index] == change.series.values.max()


def test_a_level_that_came_back_is_less() -> None:
    (stayed,) = _changes(series_of(_quiet(40) + _quiet(40, 50)))
    (returned,) = _changes(series_of(_quiet(40) + _quiet(20, 50) + _quiet(20)))
    assert (returned.at, returned.until) == (_minute(40), _minute(60))
    assert returned.suspicion < stayed.suspicion


@pytest.mark.parametrize(
    ("worse", "better"),
    [("http_errors", "http_successes"), ("queue_depth", "orders"), ("queue_depth", "go_gc_cycles")],
)
def test_names_that_mean_trouble_are_more(worse: str, better: str) -> None:
    values = _quiet(60) + _quiet(20, 50)
    (bad,), (good,) = (_changes(series_of(values, name)) for name in (worse, better))
    assert bad.suspicion > good.suspicion


def test_a_fall_of_errors_is_good_news() -> None:
    (change,) = _changes(series_of(_quiet(60, 50) + _quiet(20), "http_errors"))
    assert change.direction == "fell"
    assert change.suspicion < 0.3


def test_traffic_that_collapses_is_bad_news() -> None:
    halved, gone = (
        _changes(series_of(_quiet(60, 50) + _quiet(20, level), "orders"))[0] for level in (25, 0.5)
    )
    assert gone.suspicion > 0.7 > halved.suspicion


def test_what_began_before_the_window_and_lasts_is_still_told() -> None:
    values = _quiet(40) + _quiet(40, 50)
    (earlier,) = _changes(series_of(values), window_from=60)
    (within,) = _changes(series_of(values), window_from=30)
    assert earlier.at == within.at == _minute(40)
    assert earlier.suspicion < within.suspicion
    # What was over by then is not.
    assert _changes(series_of(_quiet(20) + _quiet(20, 50) + _quiet(40)), window_from=60) == ()


def test_a_counter_is_judged_by_its_rate() -> None:
    steady = np.cumsum(_quiet(60))
    assert _changes(series_of(list(steady), "jobs_total")) == ()
    rates = _quiet(60) + _quiet(20, 50)
    (change,) = _changes(series_of(list(np.cumsum(rates)), "jobs_total"))
    assert (change.series.kind, change.at) == ("rate", _minute(60))
    assert change.format(change.after).endswith("/s")


def test_a_reset_is_a_restart() -> None:
    counted = list(range(0, 500, 10)) + list(range(0, 300, 10))
    (change,) = _changes(series_of(counted, "jobs_total"))
    assert (change.kind, change.at) == ("restarted", _minute(50))


def test_a_time_of_start_that_changes_is_a_restart() -> None:
    values = [1.7e9] * 30 + [1.7e9 + 5000] * 10
    (change,) = _changes(series_of(values, "process_start_time_seconds"))
    assert (change.kind, change.at) == ("restarted", _minute(30))


@pytest.mark.parametrize("lost", ["missing", "nan"])
def test_a_series_that_stops_is_told(lost: str) -> None:
    values = _quiet(40)
    going_on = series_of(_quiet(60), "other")
    stopped = series_of(values if lost == "missing" else [*values, *[np.nan] * 20])
    (change,) = _changes(stopped, going_on)
    assert (change.kind, change.at, change.name) == ("stopped", _minute(39), "queue_depth")
    assert change.suspicion >= 0.7


def test_a_series_that_another_one_follows_only_changed_its_labels() -> None:
    old = series_of(_quiet(40), labels={"pod": "a"})
    times = [START + STEP_S * i for i in range(40, 80)]
    new = series_of(_quiet(40), labels={"pod": "b"}, times=times)
    (change,) = _changes(old, new)
    assert change.kind == "stopped"
    assert change.suspicion < 0.3
    assert "another series of it began then" in change.detail


def test_a_hole_has_two_ends() -> None:
    times = [START + STEP_S * i for i in (*range(30), *range(60, 90))]
    (change,) = _changes(series_of(_quiet(60), times=times))
    assert (change.kind, change.at, change.until) == ("hole", _minute(29), _minute(60))
    # Nothing is missing where it only was not read.
    assert _changes(replace(series_of(_quiet(60), times=times), is_partial=True)) == ()


@pytest.mark.parametrize(
    ("used", "kind", "words"),
    [
        ([*_quiet(60), *[20.0] * 20], "full", "100 % of db_pool_size 20 used"),
        ([19.0, 20.0] * 40, "full", "all the time"),
        (list(np.linspace(1, 15, 80)), "filling", "full in 0."),
    ],
)
def test_what_reaches_its_limit(used: list[float], kind: ChangeKind, words: str) -> None:
    changes = _changes(
        series_of(used, "db_pool_in_use"), series_of([20.0] * len(used), "db_pool_size")
    )
    assert [change.kind for change in changes] == [kind]
    assert words in changes[0].detail


def test_a_ceiling_without_a_known_limit() -> None:
    values = [3, 5, 4, 7, 6, 8, 5, 4] * 8 + [20.0] * 20
    (change,) = _changes(series_of(values, "workers_busy"))
    assert (change.kind, change.at) in {("ceiling", _minute(64)), ("shift", _minute(64))}


def test_free_space_without_a_known_limit_runs_out() -> None:
    (change,) = _changes(series_of(list(np.linspace(100, 40, 80)), "disk_free_bytes"))
    assert change.kind == "filling"
    assert "empty in 0.9 h" in change.detail


@pytest.mark.parametrize(
    "series",
    [
        series_of([7.0] * 60),
        series_of([np.nan] * 60),
        series_of([]),
        series_of([1.0]),
        series_of([np.inf, 1.0] * 30),
        series_of(_quiet(60) + _quiet(20, 50), "app_build_info"),
        # A limit that was raised is no symptom.
        series_of([20.0] * 40 + [40.0] * 40, "db_pool_size"),
    ],
)
def test_nothing_to_tell(series: Series) -> None:
    judged = judge([series], span_of(80))
    assert [c for c in judged.changes if c.kind != "stopped"] == []


def test_the_same_in_many_series_is_one_change() -> None:
    rng = np.random.default_rng(1)
    series = [
        series_of(
            [*rng.normal(5, 0.5, 60), *rng.normal(50, 0.5, 20)],
            labels={"job": "shop", "pod": f"p{i}"},
        )
        for i in range(9)
    ]
    (change,) = _changes(*series)
    assert change.count == 9
    assert len({one.labels["pod"] for one in (change.series, *change.others)}) == 9


def test_another_time_is_another_change() -> None:
    early, late = series_of(_quiet(20) + _quiet(60, 50)), series_of(_quiet(60) + _quiet(20, 50))
    assert [change.count for change in _changes(early, late)] == [1, 1]


def test_what_stops_together_is_one_change() -> None:
    series = [series_of(_quiet(30), name, {"host": "a"}) for name in ("cpu", "memory", "disk")]
    changes = _changes(*series, series_of(_quiet(60), "other"))
    assert [(change.kind, change.count) for change in changes] == [("stopped", 3)]


def test_a_histogram_that_stops_is_told() -> None:
    counts = [float(10 * i) for i in range(20)]
    buckets = [series_of(counts, "shop_seconds_bucket", {"le": le}) for le in ("1", "+Inf")]
    changes = _changes(*buckets, series_of([1.0] * 60, "other"))
    assert [(change.kind, change.name) for change in changes] == [("stopped", "shop_seconds")]
