from tests.tools.metrics.series_of import START, series_of, span_of
from tools.metrics.recorded import alerts_of, targets_of
from tools.metrics.series import utc

_LABELS = {"alertname": "Slow", "alertstate": "firing", "severity": "page"}


def _minutes(*numbers: int) -> list[float]:
    return [START + 60.0 * number for number in numbers]


def test_an_alert_that_fires_still() -> None:
    one = series_of([1] * 5, "ALERTS", _LABELS, times=_minutes(5, 6, 7, 8, 9))
    (alert,) = alerts_of([one], span_of(10))
    assert alert.labels == {"alertname": "Slow", "severity": "page"}
    assert (alert.is_firing, alert.since, alert.until) == (True, utc(START + 300), None)


def test_an_alert_that_was_resolved() -> None:
    one = series_of([1] * 4, "ALERTS", _LABELS, times=_minutes(1, 2, 3, 4))
    (alert,) = alerts_of([one], span_of(30))
    assert alert.until == utc(START + 240)


def test_the_last_time_that_it_fired_counts() -> None:
    one = series_of([1] * 8, "ALERTS", _LABELS, times=_minutes(1, 2, 3, 4, 26, 27, 28, 29))
    (alert,) = alerts_of([one], span_of(30))
    assert (alert.since, alert.until) == (utc(START + 26 * 60), None)


def test_what_was_over_before_the_window_is_no_alert() -> None:
    one = series_of([1] * 4, "ALERTS", _LABELS, times=_minutes(1, 2, 3, 4))
    assert alerts_of([one], span_of(30, window_from=10)) == []


def test_a_pending_alert_does_not_fire() -> None:
    one = series_of([1, 1], "ALERTS", {**_LABELS, "alertstate": "pending"})
    assert [alert.is_firing for alert in alerts_of([one], span_of(2))] == [False]


def test_targets_are_down_by_their_last_sample() -> None:
    up = [series_of([0, 1], "up", {"job": "a"}), series_of([1, 0], "up", {"job": "b"})]
    targets = targets_of(up)
    assert targets.total == 2
    assert [target.labels["job"] for target in targets.down] == ["b"]
