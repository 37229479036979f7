import pytest

from assistant.coding.promql.intent import Intent, read_intent
from assistant.coding.promql.names import Metric, metrics_in


def read(question: str) -> Intent:
    return read_intent(question, metrics_in(question))


def test_the_words_of_a_metrics_name_are_not_the_persons() -> None:
    intent = read("errors_failed_total{code} per second")
    assert intent.words.split() == ["per", "second"]
    assert intent.state == ""
    assert intent.wants_rate


@pytest.mark.parametrize(
    ("question", "combination"),
    [
        ("a_bytes as share of b_bytes", "ratio"),
        ("a_bytes above 5% of b_bytes", "ratio"),
        ("a_bytes, only where b_bytes is set", "filter"),
        ("difference of a_bytes and b_bytes", "difference"),
        ("a_bytes exceeds b_bytes", "comparison"),
        ("a_bytes and b_bytes", "any"),
    ],
)
def test_how_two_metrics_belong_together(question: str, combination: str) -> None:
    assert read(question).combination == combination


@pytest.mark.parametrize(
    ("question", "state"),
    [
        ("job_ok is not successful", "0"),
        ("job_ok failed", "0"),
        ("job_ok is up", "1"),
        ("job_ok", ""),
        # The negation speaks of a label's value.
        ("jobs_total{state} not idle", ""),
    ],
)
def test_states(question: str, state: str) -> None:
    assert read(question).state == state


def test_a_time_is_a_threshold_for_values_in_time_alone() -> None:
    lag = read("lag_seconds over 5 minutes")
    assert (len(lag.figures.thresholds), lag.figures.ranges) == (1, ())
    depth = read("queue_depth over 5 minutes")
    assert (depth.figures.thresholds, depth.figures.ranges) == ((), ("5m",))
    nobody_knows = read_intent("lag over 5 minutes", ())
    assert len(nobody_knows.figures.thresholds) == 1


def test_labels_that_are_known_decide_on_groups() -> None:
    assert read("x_total{pod} per pod").groups == ("pod",)
    assert read("x_total{pod} per job").groups == ()
    assert read_intent("x_total per job", [Metric("x_total")]).groups == ("job",)
