import pytest

from assistant.coding.promql.names import Metric, metrics_for, metrics_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("errors of http_requests_total", [Metric("http_requests_total")]),
        ("job:errors:rate5m is high", [Metric("job:errors:rate5m")]),
        ("up{job='api'} is 0", [Metric("up", ('job="api"',), ("job",))]),
        (
            'x_total{code=~"5..", path!="/a,b"}',
            [Metric("x_total", ('code=~"5.."', 'path!="/a,b"'), ("code", "path"))],
        ),
        ("queue_size{environment, name}", [Metric("queue_size", (), ("environment", "name"))]),
        ("x_total{a='say \"hi\"'}", [Metric("x_total", ('a="say \\"hi\\""',), ("a",))]),
        ("used_bytes of limit_bytes", [Metric("used_bytes"), Metric("limit_bytes")]),
        ("a_total and a_total again", [Metric("a_total")]),
        ("which targets are up", [Metric("up")]),
        # Labels, functions, paths and addresses are no metrics.
        ("x_total{db_name} by db_name", [Metric("x_total", (), ("db_name",))]),
        ("rate of errors in /var/log_dir/a_b", []),
        ("at https://example.org/a_b", []),
        ("avg_over_time(x_total[5m])", [Metric("x_total")]),
        ("nothing here", []),
    ],
)
def test_metrics_that_a_question_names(text: str, found: list[Metric]) -> None:
    assert list(metrics_in(text)) == found


def test_a_known_name_may_be_a_plain_word() -> None:
    assert metrics_in("temperature of the rack", ["temperature"]) == (Metric("temperature"),)
    assert metrics_in("temperature of the rack") == ()


def test_what_is_known_completes_what_is_named() -> None:
    known = [Metric("x_seconds", (), ("job",), "gauge"), Metric("y_total")]
    assert metrics_for("x_seconds{pod}", known) == (
        Metric("x_seconds", (), ("pod", "job"), "gauge"),
    )
    assert metrics_for("z_total", known) == (Metric("z_total"),)


def test_words_find_known_metrics_where_none_is_named() -> None:
    known = [Metric("node_load1"), Metric("http_requests_total"), Metric("http_errors_total")]
    assert metrics_for("load of the node", known)[0] == Metric("node_load1")
    assert metrics_for("temperature", known) == ()
