"""Against a real Prometheus: one with a recorded history, and one that scrapes and alerts."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tools.metrics.exporter import Exporter, exporting
from tests.tools.metrics.prometheus_server import PrometheusServer, free_port
from tests.tools.metrics.shop_history import BASELINE, BROKE_AT, START, WINDOW
from tests.tools.metrics.strange_server import Asked, Reply, serving
from tools.errors import BackendUnavailable, InvalidQuery, SourceNotFound
from tools.metrics.backend import Deadline, Family, Reading, Span
from tools.metrics.http_api import Access
from tools.metrics.prometheus import PrometheusMetrics
from tools.window import EVERYTHING, Window

_LIMIT_S = 60.0


@pytest.fixture
def soon() -> Deadline:
    return Deadline.after(_LIMIT_S)


@pytest.fixture
def span(shop: PrometheusMetrics, soon: Deadline) -> Span:
    return shop.span(WINDOW, BASELINE, soon)


def _families(shop: PrometheusMetrics, span: Span, soon: Deadline) -> dict[str, Family]:
    return {family.name: family for family in shop.families(span, soon)}


def _read(shop: PrometheusMetrics, name: str, span: Span, soon: Deadline) -> Reading:
    return shop.read([_families(shop, span, soon)[name]], span, soon)


def test_a_window_with_ends_is_taken_as_it_is(span: Span) -> None:
    hours = [
        (moment - START.timestamp()) / 3600 for moment in (span.start, span.window_start, span.end)
    ]
    assert hours == [1, 3, 4]


def test_an_open_window_ends_by_the_servers_clock(shop: PrometheusMetrics, soon: Deadline) -> None:
    span = shop.span(EVERYTHING, None, soon)
    assert abs(span.end - time.time()) < 30
    assert (span.end - span.window_start, span.window_start - span.start) == (3600, 3600)


def test_an_empty_window_is_refused(shop: PrometheusMetrics, soon: Deadline) -> None:
    with pytest.raises(InvalidQuery, match="empty"):
        shop.span(Window(START, START), None, soon)


def test_families_are_counted_and_grouped(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    families = _families(shop, span, soon)
    assert families["shop_seconds"].kind == "histogram"
    assert (families["shop_calls_total"].num_series, families["queue_depth"].num_series) == (
        120,
        100,
    )
    # It fell silent half an hour before the end, and is known all the same.
    silent = families["worker_jobs_total"]
    assert (silent.num_series, silent.num_before) == (0, 1)


def test_samples_come_with_their_own_times(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    (worker,) = _read(shop, "worker_jobs_total", span, soon).series
    assert worker.kind == "counter"
    assert worker.times[-1] == datetime(2025, 1, 2, 3, 30, tzinfo=UTC).timestamp()
    assert set((worker.times[1:] - worker.times[:-1]).tolist()) == {60.0}
    assert shop.quote(worker, 0).text == (
        'worker_jobs_total{job="worker"} 427 @ 2025-01-02T01:00:00Z'
    )


def test_a_large_counter_comes_as_a_few_sums(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    by_code = {
        one.labels["code"]: one for one in _read(shop, "shop_calls_total", span, soon).series
    }
    assert set(by_code) == {"200", "500"}
    assert by_code["500"].kind == "rate"
    assert by_code["500"].values[0] == 0
    assert by_code["500"].values[-1] == pytest.approx(25, rel=0.2)
    # It is quoted under the query that computed it, without a name.
    assert by_code["500"].source.startswith("sum by (job, code) (rate(shop_calls_total[")
    assert shop.quote(by_code["500"], 0).text.startswith('{code="500",job="shop"} 0 @ ')


def test_of_a_large_gauge_comes_what_moved(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    series = _read(shop, "queue_depth", span, soon).series
    assert len(series) == 12
    assert {"queue": "q42"} in [dict(one.labels) for one in series]


def test_a_histogram_comes_as_a_quantile_and_a_count(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    quantile, count = _read(shop, "shop_seconds", span, soon).series
    assert (quantile.kind, count.kind, count.name) == ("quantile", "counter", "shop_seconds_count")
    assert quantile.values[0] == pytest.approx(0.095)
    assert quantile.values[-1] == pytest.approx(4.8)


def test_recorded_alerts_tell_of_the_past(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    (alert,) = shop.alerts(span, soon)
    assert (alert.labels["alertname"], alert.is_firing, alert.since) == (
        "ManyErrors",
        True,
        BROKE_AT,
    )


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("always_the_same", 1),
        ('shop_calls_total{pod="shop-3"}', 2),
        ("sum(rate(shop_calls_total[5m]))", 1),
        ("1 + 1", 1),
        ('shop_calls_total{pod="nobody"}', 0),
    ],
)
def test_queries(
    shop: PrometheusMetrics, span: Span, soon: Deadline, expression: str, number: int
) -> None:
    assert len(shop.query(expression, span, soon).series) == number


@pytest.mark.parametrize(
    ("expression", "words", "hint"),
    [
        ("sum(rate(shop_calls_total)", "position 27", "close the bracket"),
        ("up[5m]", "range vector", "inside a function"),
        ("rat(up)", 'unknown function with name "rat" at position 1', "name of the function"),
        ("", "", ""),
    ],
)
def test_bad_promql_comes_back_with_what_to_do(
    shop: PrometheusMetrics, span: Span, soon: Deadline, expression: str, words: str, hint: str
) -> None:
    with pytest.raises(InvalidQuery) as raised:
        shop.query(expression, span, soon)
    assert words in raised.value.message
    assert hint in raised.value.hint


def test_an_unknown_name_brings_close_ones(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    with pytest.raises(SourceNotFound) as raised:
        shop.query("rate(shop_cals_total[5m])", span, soon)
    assert raised.value.hint.startswith("close to it: shop_calls_total")


def test_of_very_many_series_the_largest_are_looked_at(
    shop: PrometheusMetrics, span: Span, soon: Deadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.metrics.prometheus._MAX_SERIES_OF_QUERY", 60)
    reading = shop.query("queue_depth", span, soon)
    assert len(reading.series) == 50
    assert any(one.labels["queue"] == "q42" for one in reading.series)
    assert reading.notes == ("it has 100 series; the 50 largest at the end were looked at",)
    # Each over the whole time, not only while it is among the largest.
    assert {len(one) for one in reading.series} == {241}


def test_labels(shop: PrometheusMetrics, soon: Deadline) -> None:
    assert shop.label_values("code", soon) == ["200", "500"]
    with pytest.raises(InvalidQuery):
        shop.label_values("../admin", soon)


def test_without_time_everything_is_unread(
    shop: PrometheusMetrics, span: Span, soon: Deadline
) -> None:
    families = shop.families(span, soon)
    reading = shop.read(families, span, Deadline.after(0))
    assert reading.series == ()
    assert reading.unread == tuple(families)
    assert reading.notes == ("the time limit was reached",)


_CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: gone
    static_configs: [{{targets: ["127.0.0.1:{nobody}"]}}]
"""
_RULES = """
groups:
  - name: shop
    rules:
      - alert: QueueLong
        expr: queue_depth > 100
        labels: {severity: critical}
        annotations: {summary: "{{ $value }} orders wait"}
"""


@pytest.fixture
def live(prometheus_folder: Path, tmp_path: Path) -> Iterator[tuple[PrometheusMetrics, Exporter]]:
    """A Prometheus that scrapes an exporter, knows an alert, and misses a target."""
    (tmp_path / "rules.yml").write_text(_RULES)
    server = PrometheusServer(tmp_path)
    with exporting() as exporter:
        config = _CONFIG.format(
            rules=tmp_path / "rules.yml", port=exporter.port, nobody=free_port()
        )
        backend = PrometheusMetrics(Access(server.url))
        try:
            server.start(config)
            yield backend, exporter
        finally:
            backend.close()
            server.stop()


def test_a_live_server_alerts_and_misses_a_target(
    live: tuple[PrometheusMetrics, Exporter], soon: Deadline
) -> None:
    backend, exporter = live
    exporter.queue_depth.set(5)
    exporter.orders.labels("ok").inc()
    exporter.order_seconds.observe(0.2)
    _wait_for(lambda: _number_of_samples(backend, soon) >= 8)
    exporter.queue_depth.set(500)

    def firing() -> bool:
        span = backend.span(EVERYTHING, None, soon)
        return any(alert.is_firing for alert in backend.alerts(span, soon))

    _wait_for(firing)
    span = backend.span(EVERYTHING, None, soon)
    (alert,) = [alert for alert in backend.alerts(span, soon) if alert.is_firing]
    assert alert.labels["alertname"] == "QueueLong"
    assert alert.annotations["summary"] == "500 orders wait"
    assert alert.since is not None
    assert datetime.now(UTC) - alert.since < timedelta(minutes=5)

    _wait_for(lambda: len(backend.targets(span, soon).down) == 1)
    targets = backend.targets(span, soon)
    assert targets.total == 2
    assert targets.down[0].labels["job"] == "gone"
    assert "connection refused" in targets.down[0].error

    families = {family.name: family for family in backend.families(span, soon)}
    assert families["orders_total"].kind == "counter"
    assert families["orders_total"].help == "Orders taken."
    assert families["order_seconds"].kind == "histogram"
    (depth,) = backend.read([families["queue_depth"]], span, soon).series
    assert (depth.values[0], depth.values[-1]) == (5, 500)
    # The scrape interval, which the list of targets says, is the time between two samples.
    assert (depth.times[1:] - depth.times[:-1]).mean() < 2


def _number_of_samples(backend: PrometheusMetrics, soon: Deadline) -> int:
    span = backend.span(EVERYTHING, None, soon)
    backend.targets(span, soon)
    try:
        return sum(len(one) for one in backend.query("queue_depth", span, soon).series)
    except SourceNotFound:
        return 0


def _wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _vector(*values: str) -> bytes:
    return f'{{"status": "success", "data": {{{",".join(values)}}}}}'.encode()


def _scalar(value: float) -> bytes:
    return _vector('"resultType": "scalar"', f'"result": [{value}, "{value}"]')


def test_a_wrong_clock_is_said_and_followed(soon: Deadline) -> None:
    """By the server's clock it is an hour earlier than by ours: its newest hour is meant."""
    now = time.time()
    window = Window(datetime.fromtimestamp(now - 1800, UTC))
    with serving(Reply(_scalar(now - 3600))) as (url, _):
        backend = PrometheusMetrics(Access(url))
        span = backend.span(window, None, soon)
        reading = backend.read([], span, soon)
        backend.close()
    assert span.end == pytest.approx(now - 3600, abs=1)
    assert span.end - span.window_start == pytest.approx(1800, abs=30)
    assert "s behind this machine's" in reading.notes[0]


def test_a_server_without_lists_is_asked_for_what_it_recorded(soon: Deadline) -> None:
    """As Mimir and VictoriaMetrics are: no list of targets, alerts or metadata."""
    now = time.time()

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/query") and asked.parameters["query"] == "time()":
            return Reply(_scalar(now))
        if not asked.path.endswith(("/query", "/query_range")):
            return Reply(b"unsupported path", 404, "text/plain")
        name = asked.parameters["query"].partition("[")[0]
        labels = f'{{"__name__": "{name}", "instance": "a"}}'
        values = f'[[{now - 60}, "0"], [{now}, "{int(name == "ALERTS")}"]]'
        result = f'"result": [{{"metric": {labels}, "values": {values}}}]'
        return Reply(_vector('"resultType": "matrix"', result))

    with serving(answer) as (url, _):
        backend = PrometheusMetrics(Access(url))
        span = backend.span(EVERYTHING, None, soon)
        assert [target.labels for target in backend.targets(span, soon).down] == [{"instance": "a"}]
        assert [alert.is_firing for alert in backend.alerts(span, soon)] == [True]
        backend.close()


@pytest.mark.parametrize(
    "data", ["null", "[]", '{"resultType": "vector"}', '{"resultType": "scalar", "result": ["x"]}']
)
def test_an_answer_of_an_unknown_form_is_refused(data: str, soon: Deadline) -> None:
    body = f'{{"status": "success", "data": {data}}}'.encode()
    with serving(Reply(body)) as (url, _):
        backend = PrometheusMetrics(Access(url))
        with pytest.raises(BackendUnavailable, match="unknown form"):
            backend.span(EVERYTHING, None, soon)
        backend.close()


def test_only_questions_are_asked(soon: Deadline) -> None:
    """No path but those that read is ever called, whatever the server answers."""
    with serving(Reply(b"{}", 500)) as (url, asked):
        backend = PrometheusMetrics(Access(url))
        span = Span(0, 1, 2)
        for ask in (backend.alerts, backend.targets, backend.families):
            with pytest.raises(BackendUnavailable):
                ask(span, soon)
        backend.read([Family("a_total", "counter", None)], span, soon)
        backend.close()
    paths = {question.path.removeprefix("/api/v1/") for question in asked}
    assert paths <= {
        "query",
        "query_range",
        "series",
        "targets",
        "alerts",
        "metadata",
        "label/__name__/values",
    }
    assert not any("admin" in path for path in paths)
