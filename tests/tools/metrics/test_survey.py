import time
from pathlib import Path

import pytest

from tests.tools.metrics.shop_history import BASELINE, BROKE_AT, WINDOW
from tests.tools.metrics.strange_server import Asked, Reply, serving
from tools.errors import BackendUnavailable
from tools.metrics.http_api import Access
from tools.metrics.prometheus import PrometheusMetrics
from tools.metrics.survey import survey
from tools.metrics.tables import TableMetrics
from tools.window import EVERYTHING


def test_everything_that_went_wrong_is_found(shop: PrometheusMetrics) -> None:
    found = survey(shop, WINDOW, BASELINE, timeout_s=60)
    kinds = {(change.name, change.kind) for change in found.changes}
    assert kinds == {
        ("db_pool_in_use", "full"),
        ("shop_calls_total", "shift"),
        ("shop_seconds", "shift"),
        ("queue_depth", "shift"),
        ("node_filesystem_avail_bytes", "filling"),
        ("worker_jobs_total", "restarted"),
        ("worker_jobs_total", "stopped"),
    }
    assert [alert.labels["alertname"] for alert in found.alerts] == ["ManyErrors"]
    assert (found.num_unread, found.is_complete, found.notes) == (0, True, ())


def test_changes_have_the_time_of_the_fault(shop: PrometheusMetrics) -> None:
    found = survey(shop, WINDOW, BASELINE, timeout_s=60)
    shifts = [change for change in found.changes if change.kind in ("shift", "full")]
    assert len(shifts) == 4
    for change in shifts:
        assert abs((change.at - BROKE_AT).total_seconds()) <= 120


def test_words_of_the_question_count(shop: PrometheusMetrics) -> None:
    plain = survey(shop, WINDOW, BASELINE, timeout_s=60)
    asked = survey(shop, WINDOW, BASELINE, "why is the worker silent?", timeout_s=60)
    assert asked.changes[0].name == "worker_jobs_total"
    assert plain.changes[0].name != "worker_jobs_total"


def test_a_server_that_only_tells_its_time_leaves_a_note() -> None:
    now = time.time()
    clock = f'{{"status":"success","data":{{"resultType":"scalar","result":[{now},"{now}"]}}}}'

    def answer(asked: Asked) -> Reply:
        is_clock = asked.parameters.get("query") == "time()"
        return Reply(clock.encode()) if is_clock else Reply(b"", 502, "text/html")

    with serving(answer) as (url, _):
        backend = PrometheusMetrics(Access(url))
        found = survey(backend, EVERYTHING, timeout_s=30)
        backend.close()
    assert (found.changes, found.num_series, found.is_complete) == ((), 0, False)
    assert [note.partition(":")[0] for note in found.notes] == [
        "alerts and targets are not known",
        "metrics were not looked at",
    ]


def test_a_server_that_is_silent_ends_in_time() -> None:
    started = time.monotonic()
    with serving(Reply(b"x" * 1000, drip_s=30)) as (url, _):
        backend = PrometheusMetrics(Access(url))
        with pytest.raises(BackendUnavailable, match="no answer within"):
            survey(backend, EVERYTHING, timeout_s=0.5)
        backend.close()
    assert time.monotonic() - started < 25


def test_a_bundles_tables_are_surveyed_the_same_way(tmp_path: Path) -> None:
    rows = [f"2025-01-02T00:{i:02}:00Z,errors_total,{max(0, i - 39) * 60}" for i in range(60)]
    rows += [f"2025-01-02T00:{i:02}:00Z,always,1" for i in range(60)]
    (tmp_path / "m.csv").write_text("timestamp,metric,value\n" + "\n".join(rows))
    found = survey(TableMetrics({"m.csv": tmp_path / "m.csv"}), EVERYTHING)
    (change,) = found.changes
    assert (change.name, f"{change.at:%H:%M}", change.after) == ("errors_total", "00:40", 1)
    assert (found.num_metrics, found.num_series) == (2, 2)
