"""What the tests of metrics share: a real Prometheus with the history of a shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.metrics.prometheus_server import PROMETHEUS, PROMTOOL, PrometheusServer
from tests.tools.metrics.shop_history import history
from tools.metrics.http_api import Access
from tools.metrics.prometheus import PrometheusMetrics


@pytest.fixture(scope="session")
def prometheus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a Prometheus; the test is skipped where there is none to run."""
    if not PROMETHEUS or not PROMTOOL:
        pytest.skip("there is no prometheus and promtool on this machine (apt install prometheus)")
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="session")
def shop_url(prometheus_folder: Path) -> Iterator[str]:
    """A Prometheus that recorded the shop and scrapes nothing."""
    server = PrometheusServer(prometheus_folder)
    server.record(history())
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def shop(shop_url: str) -> Iterator[PrometheusMetrics]:
    """A fresh back end on the shop's Prometheus."""
    backend = PrometheusMetrics(Access(shop_url))
    yield backend
    backend.close()
