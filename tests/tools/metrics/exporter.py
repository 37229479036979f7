"""A small program's metrics over HTTP, whose values a test changes while they are scraped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


@dataclass(frozen=True)
class Exporter:
    """Where it is scraped, and what it tells."""

    port: int
    orders: Counter
    queue_depth: Gauge
    order_seconds: Histogram


@contextmanager
def exporting() -> Iterator[Exporter]:
    """An exporter on a port of its own."""
    registry = CollectorRegistry()
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield Exporter(
            server.server_port,
            Counter("orders", "Orders taken.", ["result"], registry=registry),
            Gauge("queue_depth", "Orders that wait.", registry=registry),
            Histogram("order_seconds", "Time for an order.", registry=registry),
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
