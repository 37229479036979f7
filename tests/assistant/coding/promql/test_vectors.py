import pytest

from assistant.coding.promql.intent import read_intent
from assistant.coding.promql.names import Metric
from assistant.coding.promql.vectors import kind_of, seconds_of, seconds_text


@pytest.mark.parametrize(
    ("metric", "words", "kind"),
    [
        (Metric("errors_total"), "errors", "counter"),
        (Metric("errors", kind="counter"), "errors", "counter"),
        (Metric("start_time_seconds"), "started", "time"),
        (Metric("cert_expiry"), "expires", "time"),
        (Metric("run_duration_seconds"), "slow", "gauge"),
        # A name of either kind: a rate or a range tells.
        (Metric("activity_count"), "connections", "gauge"),
        (Metric("errors_count"), "errors per second", "counter"),
        (Metric("errors_count"), "errors in the last hour", "counter"),
        (Metric("errors_count", kind="gauge"), "errors per second", "gauge"),
        (None, "errors", "any"),
    ],
)
def test_kinds_of_metrics(metric: Metric | None, words: str, kind: str) -> None:
    assert kind_of(read_intent(words, [metric] if metric else []), metric) == kind


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (604800, "7 * 86400"),
        (18000, "5 * 3600"),
        (5400, "5400"),
        (90, "90"),
        (0.05, "0.05"),
        (0, "0"),
    ],
)
def test_seconds_as_people_read_them(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_seconds_of_a_duration() -> None:
    assert seconds_of("2d") == "2 * 86400"
