import pytest

from assistant.coding.promql.cues import aggregation_in, comparison_in, quantile_in


@pytest.mark.parametrize(
    ("text", "aggregation"),
    [
        ("the largest queue", "max"),
        ("highest load", "max"),
        ("fewest replicas", "min"),
        ("mean latency", "avg"),
        ("how many errors", "count"),
        ("total number of errors", "count"),
        ("total errors", "sum"),
        ("errors across all pods", "sum"),
        # Limits and comparisons.
        ("connections near the allowed maximum", None),
        ("a maximum of 5 restarts", None),
        ("more than the most recent", "max"),
        ("larger than before", None),
        ("errors", None),
    ],
)
def test_words_of_aggregations(text: str, aggregation: str | None) -> None:
    assert aggregation_in(text) == aggregation


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("ready differs from wanted", "!="),
        ("ready is less than wanted", "<"),
        ("used exceeds the quota", ">"),
        # Compared with a figure, or not compared.
        ("used above 10", ""),
        ("rate over 5 minutes", ""),
        ("rate over the last hour", ""),
        ("used of the quota", ""),
    ],
)
def test_signs_between_two_metrics(text: str, sign: str) -> None:
    assert comparison_in(text) == sign


@pytest.mark.parametrize(
    ("text", "quantile"),
    [
        ("p99 latency", 0.99),
        ("p999 latency", 0.999),
        ("95th percentile", 0.95),
        ("99.9 percentile", 0.999),
        ("median", 0.5),
        ("latency of api99", None),
    ],
)
def test_quantiles(text: str, quantile: float | None) -> None:
    assert quantile_in(text) == quantile
