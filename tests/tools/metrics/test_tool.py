from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tools.metrics.prometheus_server import free_port
from tests.tools.metrics.shop_history import BASELINE, WINDOW
from tools.metrics.http_api import Access
from tools.metrics.prometheus import PrometheusMetrics
from tools.metrics.tables import TableMetrics
from tools.metrics.tool import query_metrics, search_metric_names, survey_metrics
from tools.result import Status
from tools.window import EVERYTHING, Window, window_since

_START = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.fixture
def tables(tmp_path: Path) -> TableMetrics:
    rows = []
    for i in range(60):
        stamp = f"2025-01-02T00:{i:02}:00Z"
        rows.append(f"{stamp},queue_depth,{500 if i >= 40 else 5 + i % 3}")
        rows.append(f'{stamp},"orders_total{{shop=""a""}}",{i * 60}')
        rows.append(f"{stamp},always,1")
    (tmp_path / "m.csv").write_text("timestamp,metric,value\n" + "\n".join(rows) + "\n")
    return TableMetrics({"m.csv": tmp_path / "m.csv"})


def test_a_survey_quotes_rows_with_their_lines(tables: TableMetrics, tmp_path: Path) -> None:
    result = survey_metrics(tables, EVERYTHING)
    (finding,) = result.findings
    assert (finding.kind, finding.source, finding.line) == ("metric", "m.csv", 122)
    assert finding.text == "2025-01-02T00:40:00Z,queue_depth,500"
    assert finding.text == (tmp_path / "m.csv").read_text().splitlines()[122 - 1]
    assert finding.note.startswith("rose from 5.97 to 500 at 2025-01-02 00:40:00Z")
    assert result.summary == (
        "Surveyed the metrics of m.csv, 2025-01-02 00:00:00Z to 2025-01-02 00:59:00Z: "
        "3 metrics, 3 series.\nalerts firing: 0; targets down: 0 of 0; changes: 1"
    )


def test_a_survey_without_a_change_says_so(tables: TableMetrics) -> None:
    half_an_hour = Window(_START, _START + timedelta(minutes=30))
    result = survey_metrics(tables, half_an_hour)
    assert (result.status, result.findings) == (Status.NO_DATA, ())
    assert "changes: 0, no metric that was looked at left its usual range" in result.summary


def test_alerts_come_first_and_the_rest_is_counted(shop: PrometheusMetrics) -> None:
    result = survey_metrics(shop, WINDOW, BASELINE, limit=3, timeout_s=60)
    assert result.status is Status.OK
    assert result.findings[0].text.startswith('ALERTS{alertname="ManyErrors"')
    assert (len(result.findings), result.omitted) == (3, 5)
    assert "compared with the time since 2025-01-02 01:00:00Z" in result.summary
    assert "alerts firing: 1" in result.summary


def test_a_query_is_summarised_and_never_a_list_of_samples(tables: TableMetrics) -> None:
    result = query_metrics(tables, "orders_total", EVERYTHING)
    (finding,) = result.findings
    assert finding.text == '2025-01-02T00:59:00Z,"orders_total{shop=""a""}",3540'
    assert finding.note == "constant at 1/s"
    assert "orders_total in m.csv" in result.summary


def test_a_query_of_changed_and_quiet_series(shop: PrometheusMetrics) -> None:
    result = query_metrics(shop, "queue_depth", WINDOW, BASELINE, limit=2, timeout_s=60)
    changed, quiet = result.findings
    assert changed.note.startswith("rose from ")
    assert quiet.note.startswith("no change beyond its usual range")
    assert changed.suspicion > quiet.suspicion
    assert "100 series" in result.summary
    assert result.omitted > 0


def test_values_that_are_no_numbers(shop: PrometheusMetrics) -> None:
    (finding,) = query_metrics(shop, "never_a_number", WINDOW, BASELINE, timeout_s=60).findings
    assert finding.text == "never_a_number NaN @ 2025-01-02T04:00:00Z"
    assert finding.note == "no usable value: 181 of 181 values are NaN or infinite"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("queue_dept", "there is no metric 'queue_dept'; close to it: queue_depth"),
        ("rate(queue_depth[5m])", "cannot be computed from recorded tables"),
        ("  ", "no metric was named"),
    ],
)
def test_errors_that_a_caller_can_mend(tables: TableMetrics, query: str, words: str) -> None:
    result = query_metrics(tables, query, EVERYTHING)
    assert result.status is Status.ERROR
    assert words in result.summary


def test_a_range_without_samples_is_no_data(shop: PrometheusMetrics) -> None:
    nobody = 'queue_depth{queue="nobody"}'
    result = query_metrics(shop, nobody, WINDOW, BASELINE, timeout_s=60)
    assert (result.status, result.findings) == (Status.NO_DATA, ())
    assert result.summary.endswith(": no samples.")


def test_nobody_answers() -> None:
    backend = PrometheusMetrics(Access(f"http://127.0.0.1:{free_port()}"))
    results = [
        survey_metrics(backend, EVERYTHING),
        query_metrics(backend, "up", EVERYTHING),
        search_metric_names(backend, "up"),
    ]
    backend.close()
    for result in results:
        assert result.status is Status.ERROR
        assert "cannot be reached" in result.summary


def test_time_that_does_not_suffice_is_no_all_clear(shop: PrometheusMetrics) -> None:
    result = survey_metrics(shop, WINDOW, BASELINE, timeout_s=0.0)
    assert result.status is Status.ERROR
    assert "usual range" not in result.summary


def test_names_are_searched(tables: TableMetrics) -> None:
    result = search_metric_names(tables, "how deep is the queue?")
    assert result.summary == (
        "Searched 3 metric names of m.csv for 'how deep is the queue?': 1 fit.\n"
        "queue_depth (unknown, 1 series)"
    )
    assert search_metric_names(tables, "zebra").status is Status.NO_DATA


def test_a_window_beyond_the_samples(tables: TableMetrics) -> None:
    later = window_since(datetime(2026, 1, 1, tzinfo=UTC), "30m")
    result = survey_metrics(tables, later)
    assert result.findings == ()


def test_recorded_alerts_and_targets_are_quoted_from_their_table(tmp_path: Path) -> None:
    rows = [f'2025-01-02T00:{i:02}:00Z,up{{job="a"}},{int(i < 5)}' for i in range(10)]
    alert = 'ALERTS{alertname="Down",alertstate="firing"}'
    rows += [f"2025-01-02T00:{i:02}:00Z,{alert},1" for i in range(6, 10)]
    (tmp_path / "m.csv").write_text("timestamp,metric,value\n" + "\n".join(rows) + "\n")
    fired, down = survey_metrics(TableMetrics({"m.csv": tmp_path / "m.csv"}), EVERYTHING).findings
    assert (fired.source, fired.line, fired.text) == ("m.csv", 12, rows[10])
    assert (down.source, down.line, down.text) == ("m.csv", 11, rows[9])
