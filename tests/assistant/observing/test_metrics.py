from __future__ import annotations

import math

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from assistant.observing.metrics import Load, Metrics

from .scene import BUSY, Clock, value


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3", lambda: {"small": BUSY})


def test_each_server_has_its_own_numbers(metrics: Metrics) -> None:
    metrics.turn("cli").close()
    assert value(Metrics("1"), "midwatch_turns_total", front="cli", outcome="cancelled") == 0
    assert REGISTRY.get_sample_value("midwatch_build_info", {"version": "1.2.3"}) is None


def test_an_event_stream_is_open_while_it_is_read(metrics: Metrics) -> None:
    with metrics.event_stream(is_resumed=False), metrics.event_stream(is_resumed=True):
        assert metrics.load() == Load(0, 0, 2)
    with pytest.raises(OSError, match="gone"), metrics.event_stream(is_resumed=True):
        raise OSError("gone")
    assert metrics.load() == Load(0, 0, 0)
    assert value(metrics, "midwatch_event_streams_total", kind="opened") == 1
    assert value(metrics, "midwatch_event_streams_total", kind="resumed") == 2


def test_refusals_and_searches_outside_of_turns(metrics: Metrics) -> None:
    metrics.failed("busy")
    metrics.retrieved(0.5)
    assert value(metrics, "midwatch_errors_total", origin="request", code="busy") == 1
    assert value(metrics, "midwatch_retrieval_duration_seconds_sum") == 0.5


def test_approvals_that_cannot_be_counted_are_no_zero(metrics: Metrics) -> None:
    metrics.set_approvals_waiting(3)
    assert value(metrics, "midwatch_approvals_waiting") == 3
    metrics.set_approvals_waiting(None)
    assert math.isnan(value(metrics, "midwatch_approvals_waiting") or 0.0)


def test_the_uptime_is_the_clocks() -> None:
    clock = Clock()
    metrics = Metrics("1", clock=clock)
    clock.now += 12.5
    assert metrics.uptime_s == 12.5


def test_names_follow_the_conventions(metrics: Metrics) -> None:
    families = list(text_string_to_metric_families(metrics.render("")[0].decode()))
    ours = {family.name: family for family in families if family.name.startswith("midwatch_")}
    assert len(ours) > 20
    for name, family in ours.items():
        assert family.documentation, name
        if family.type == "histogram":
            assert name.endswith("_seconds"), name
        assert not name.endswith("_created"), name


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_the_format_is_the_one_that_was_asked_for(metrics: Metrics, accept: str) -> None:
    body, content_type = metrics.render(accept)
    assert content_type.startswith("application/openmetrics" if accept else "text/plain")
    assert body.endswith(b"# EOF\n") == bool(accept)
    assert b'midwatch_build_info{version="1.2.3"} 1' in body
