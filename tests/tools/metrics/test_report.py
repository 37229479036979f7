from datetime import UTC, datetime

import pytest

from tests.tools.metrics.series_of import START, series_of, span_of
from tools.metrics.backend import Alert, Target
from tools.metrics.changes import MetricChange
from tools.metrics.report import alert_findings, describe, profile_note, target_findings
from tools.metrics.series import utc
from tools.metrics.tables import TableMetrics

_SINCE = utc(START + 60)
_SPAN = span_of(60)
_NOWHERE = TableMetrics({})


def _alert(severity: str = "critical", **more: object) -> Alert:
    labels = {"alertname": "Slow", "severity": severity, "pod": str(more.pop("pod", "a"))}
    return Alert(labels, bool(more.pop("is_firing", True)), _SINCE, **more)  # type: ignore[arg-type]


def test_an_alert_is_quoted_as_prometheus_records_it() -> None:
    (finding,) = alert_findings(_NOWHERE, [_alert(annotations={"summary": "it is\nslow"})], _SPAN)
    assert finding.text == (
        'ALERTS{alertname="Slow",alertstate="firing",pod="a",severity="critical"} 1 '
        "@ 2025-01-02T00:01:00Z\nsummary: it is slow"
    )
    assert (finding.kind, finding.source) == ("metric", "alerts")
    assert finding.note == "alert firing since 2025-01-02 00:01:00Z"


def test_alerts_of_one_name_are_one_finding() -> None:
    (finding,) = alert_findings(_NOWHERE, [_alert(pod="a"), _alert(pod="b")], _SPAN)
    assert finding.note.endswith("; 2 alerts of this name")


def test_alerts_are_ranked_by_what_they_say() -> None:
    ranked = [
        _alert("critical"),
        _alert("critical", until=utc(START + 600)),
        _alert("warning", is_firing=False),
        _alert("none"),
    ]
    suspicions = [alert_findings(_NOWHERE, [alert], _SPAN)[0].suspicion for alert in ranked]
    assert suspicions == sorted(set(suspicions), reverse=True)
    assert suspicions[0] >= 0.9
    # The alert that always fires, to show that alerting works, is no lead.
    assert suspicions[-1] < 0.3


def test_targets_are_told_by_their_job() -> None:
    down = [
        Target({"job": "shop", "instance": f"{i}:80"}, "connection\nrefused", _SINCE)
        for i in range(3)
    ]
    (finding,) = target_findings(_NOWHERE, down)
    assert finding.text == (
        'up{instance="0:80",job="shop"} 0 @ 2025-01-02T00:01:00Z\nlastError: connection refused'
    )
    assert finding.note == "3 targets down; also down: 1:80, 2:80"
    (silent,) = target_findings(_NOWHERE, [Target({"job": "shop"})])
    assert silent.text == 'up{job="shop"} 0'


def _change(kind: str, values: list[float], **more: object) -> MetricChange:
    series = series_of(values, "queue_seconds", {"pod": "a"})
    at = datetime(2025, 1, 2, 0, 2, tzinfo=UTC)
    return MetricChange(kind, series, 0, at, values[0], values[-1], 1.0, 0.5, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shift", "rose from 1 s to 4 s at 2025-01-02 00:02:00Z (4 times); now 4 s, lowest 1 s"),
        ("spike", "spike from 1 s to 4 s at 2025-01-02 00:02:00Z"),
        ("restarted", "began again at 2025-01-02 00:02:00Z"),
        ("stopped", "stopped at 2025-01-02 00:02:00Z, last value 1 s; lowest 1 s at 00:00:00Z"),
        ("hole", "no samples from 2025-01-02 00:02:00Z to"),
        ("full", "at its limit since 2025-01-02 00:02:00Z"),
        ("ceiling", "reached 4 s at 2025-01-02 00:02:00Z"),
        ("filling", "heading for its limit, rose from 1 s to 4 s"),
    ],
)
def test_each_kind_is_said_in_words(kind: str, words: str) -> None:
    note = describe(_change(kind, [1.0, 2.0, 4.0]))
    assert note.startswith(words)
    assert note.endswith("▁▃█")


def test_others_are_counted_and_named() -> None:
    others = tuple(
        series_of([1.0], "queue_seconds", {"pod": f"p{i}", "job": "shop"}) for i in range(6)
    )
    series = series_of([1.0, 4.0], "queue_seconds", {"pod": "a", "job": "shop"})
    change = MetricChange("shift", series, 0, _SINCE, 1, 4, 1.0, 0.5, others=others)
    assert (
        'in 7 series, all with {job="shop"}, also {pod="p0"}, {pod="p1"}, {pod="p2"}, {pod="p3"} '
        "and 2 more" in describe(change)
    )


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([7.0, 7.0], "constant at 7"),
        ([float("nan")] * 3, "no usable value: 3 of 3 values are NaN or infinite"),
        (
            [1.0, float("nan"), 3.0],
            "no change beyond its usual range; now 3, lowest 1 at 00:00:00Z, highest 3 at "
            "00:02:00Z; mean 2; 1 of 3 values are NaN or infinite; ▁█",
        ),
    ],
)
def test_a_quiet_series_in_words(values: list[float], note: str) -> None:
    assert profile_note(series_of(values)) == note
