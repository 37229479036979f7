import pytest

from tests.tools.metrics.series_of import span_of
from tools.errors import InvalidQuery
from tools.metrics.backend import Family, FamilyKind
from tools.metrics.promql import (
    choose_groups,
    duration,
    explained,
    identifiers,
    queries_for,
)

_SPAN = span_of(121, window_from=60)


def _expressions(name: str, kind: FamilyKind, number: int | None, *groups: str) -> list[str]:
    family = Family(name, kind, number)
    return [query.expression for query in queries_for(family, _SPAN, 300.0, groups)]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("up", "gauge", ["up"]),
        ("jobs_total", "counter", ["jobs_total"]),
        ("jobs_total", "unknown", ["jobs_total"]),
        ("odd.name", "gauge", ['{__name__="odd.name"}']),
        (
            "shop_seconds",
            "histogram",
            ["histogram_quantile(0.95, rate(shop_seconds_bucket[5m]))", "shop_seconds_count"],
        ),
        (
            "gc_seconds",
            "summary",
            ["rate(gc_seconds_sum[5m]) / rate(gc_seconds_count[5m])", "gc_seconds_count"],
        ),
    ],
)
def test_a_small_family_is_asked_for_as_it_is(
    name: str, kind: FamilyKind, expected: list[str]
) -> None:
    assert _expressions(name, kind, 3) == expected


def test_a_large_counter_is_summed_by_the_server() -> None:
    assert _expressions("jobs_total", "counter", 1000, "job", "code") == [
        "sum by (job, code) (rate(jobs_total[5m]))"
    ]
    # One that could not be counted may be large.
    assert _expressions("jobs_total", "counter", None) == ["sum by () (rate(jobs_total[5m]))"]


def test_of_a_large_gauge_the_server_picks_what_moved() -> None:
    (expression,) = _expressions("queue_depth", "gauge", 1000)
    assert expression.startswith("queue_depth and topk(12, abs(avg_over_time(queue_depth[1h] @ ")


def test_a_family_that_was_large_before_is_large() -> None:
    (query,) = queries_for(Family("jobs_total", "counter", 1, 1000), _SPAN, 300.0, ())
    assert query.expression.startswith("sum by")


def test_groups_are_few_and_telling() -> None:
    label_sets = [
        {"job": "a", "pod": f"p{i}", "code": str(200 + i % 3), "method": f"m{i % 9}"}
        for i in range(100)
    ]
    assert choose_groups(label_sets) == ("job", "code")
    assert choose_groups([]) == ()


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up", ["up"]),
        ('sum by (job) (rate(a_total{code="x"}[5m])) / on(job) b', ["a_total", "b"]),
        ("rate(a[5m]) and b offset 5m", ["a", "b"]),
        ("histogram_quantile(0.9, sum without (pod) (x_bucket))", ["x_bucket"]),
        ("1 + 2", []),
    ],
)
def test_names_in_an_expression(expression: str, names: list[str]) -> None:
    assert identifiers(expression) == names


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5m"), (7200, "2h"), (90, "90s"), (0.25, "250ms"), (0, "1ms")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_refusal_shows_the_place() -> None:
    error = InvalidQuery('invalid parameter "query": 1:9: parse error: unclosed left parenthesis')
    told = explained("sum(rate(x)", error)
    assert "unclosed left parenthesis at position 9: sum(rate»(x)" in told.message
    assert told.hint == "close the bracket or quotation mark"


def test_a_place_beyond_the_end_is_no_error() -> None:
    told = explained("", InvalidQuery("5:99: parse error: what is this"))
    assert "position 99" in told.message
    assert told.hint
