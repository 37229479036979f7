"""A real Prometheus scrapes a real server, takes the alerting rules, and answers the dashboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from assistant.events import TextDelta, ToolFinished, TurnFailed, TurnStarted, TurnUsage
from assistant.observing.metrics import Metrics
from tests.tools.metrics.prometheus_server import PROMETHEUS, PrometheusServer

from .scene import BUSY, finished
from .served import served
from .test_grafana import FOLDER, expressions

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="there is no prometheus here")

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: midwatch
    static_configs: [targets: ["{target}"]]
"""
_LIMIT_S = 60.0


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has scraped a server with some turns twice."""
    metrics = Metrics("1.2.3", lambda: {"small": BUSY})
    play(metrics)
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    with served(metrics, approvals=2) as url:
        target = url.removeprefix("http://")
        try:
            server.start(CONFIG.format(rules=FOLDER / "alerts.yaml", target=target))
            wait_for(server.url, "count_over_time(midwatch_build_info[1m]) > 2")
            yield server.url
        finally:
            server.stop()


def play(metrics: Metrics) -> None:
    for _ in range(3):
        turn = metrics.turn("cli")
        turn.observe(TurnStarted("s", "?"))
        turn.observe(ToolFinished(1, "search_runbooks", "ok", "", 0.1))
        turn.observe(TextDelta("a"))
        usage = TurnUsage("small", 9, 5, 3, phases_s={"decode": 0.1}, model_calls=1)
        turn.observe(finished(usage))
    metrics.turn("slack").observe(TurnFailed("s", "busy", "…"))


def query(url: str, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}, trust_env=False)
    told = answer.json()
    assert told["status"] == "success", (expression, told)
    found: list[dict[str, Any]] = told["data"]["result"]
    return found


def wait_for(url: str, expression: str) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not query(url, expression):
        assert time.monotonic() < deadline, expression
        time.sleep(0.2)


def test_what_was_counted_is_what_is_stored(prometheus: str) -> None:
    def number(expression: str) -> float:
        [found] = query(prometheus, expression)
        return float(found["value"][1])

    assert number('midwatch_turns_total{front="cli",outcome="answered"}') == 3
    assert number('midwatch_errors_total{origin="turn",code="busy"}') == 1
    assert number('midwatch_engine_requests{state="decode",class="chat"}') == 1
    assert number("midwatch_approvals_waiting") == 2
    assert number('midwatch_http_requests_total{route="/metrics"}') >= 1
    assert number("sum(midwatch_turn_ttft_seconds_count)") == 3


def test_every_query_is_one_that_prometheus_answers(prometheus: str) -> None:
    for _, expression in expressions():
        query(prometheus, expression.replace("$__rate_interval", "1m").replace("$instance", ".*"))


def test_queries_about_what_is_there_find_it(prometheus: str) -> None:
    found = [
        name
        for name, expression in expressions()
        if query(
            prometheus, expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
        )
    ]
    for name in (
        "Waiting in the engine A",
        "KV cache A",
        "Places in use A",
        "Memory A",
        "Cache hits A",
        "Approvals waiting A",
        "What the time went to A",
        "Failed turns A",
    ):
        assert name in found


def test_the_rules_are_loaded_and_healthy(prometheus: str) -> None:
    groups = httpx.get(f"{prometheus}/api/v1/rules", trust_env=False).json()["data"]["groups"]
    health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert len(health) == 7
    assert set(health.values()) <= {"ok", "unknown"}
