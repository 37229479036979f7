from __future__ import annotations

from pathlib import Path

import pytest

from assistant.coding.preparation import prepare_request
from assistant.coding.promql.names import Metric
from assistant.coding.request import Attachment, CodeRequest
from knowledge.base import KnowledgeBase
from knowledge.errors import StoreUnavailable
from tools.errors import BackendUnavailable
from tools.metrics.backend import Deadline, Family, Span
from tools.metrics.tables import TableMetrics


class BrokenBase(KnowledgeBase):
    """A knowledge base whose store is gone."""

    def __init__(self) -> None:
        """Nothing is opened."""

    def is_empty(self) -> bool:
        raise StoreUnavailable("the index is gone")


@pytest.fixture
def tables(tmp_path: Path) -> TableMetrics:
    path = tmp_path / "shop.csv"
    rows = ["timestamp,metric,value"]
    for name in ('errors_total{job="a"}', "queue_depth", 'wait_seconds_bucket{le="1"}'):
        rows += [f"2026-03-01T02:00:{n:02d}Z,{name},{n}" for n in range(3)]
    path.write_text("\n".join(rows) + "\n")
    return TableMetrics({"shop": path})


def test_a_request_without_anything_beside_it() -> None:
    attachment = Attachment("a.log", "ERROR")
    request = prepare_request("greet", "bash", [attachment])
    assert request == CodeRequest("greet", "bash", (attachment,))


def test_the_metrics_that_there_are_for_promql(tables: TableMetrics) -> None:
    known = {metric.name for metric in prepare_request("x", "promql", metrics=tables).metrics}
    assert {"errors_total", "queue_depth"} <= known
    assert prepare_request("x", "bash", metrics=tables).metrics == ()


def test_the_parts_of_a_histogram_are_counters(
    tables: TableMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = [
        Family("wait_seconds", "histogram", 1),
        Family("load", "gauge", 1),
        Family("other", "summary", 1),
    ]
    monkeypatch.setattr(TableMetrics, "families", lambda *_: families)
    assert prepare_request("x", "promql", metrics=tables).metrics == (
        Metric("wait_seconds_bucket", kind="counter"),
        Metric("wait_seconds_sum", kind="counter"),
        Metric("wait_seconds_count", kind="counter"),
        Metric("load", kind="gauge"),
        Metric("other"),
    )


def test_what_does_not_answer_is_done_without(
    tables: TableMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: TableMetrics, span: Span, deadline: Deadline) -> None:
        raise BackendUnavailable(f"no answer by {deadline.ends_at_s} for {span}")

    monkeypatch.setattr(TableMetrics, "families", down)
    request = prepare_request("x", "promql", runbooks=BrokenBase(), metrics=tables)
    assert request == CodeRequest("x", "promql")
