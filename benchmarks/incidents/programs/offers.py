"""offers: pages of 120 offers, each with its price."""

from __future__ import annotations

import os
import time
from typing import Any

import psycopg
from logs import open_log
from serving import serve

PAGE = 120
ONE_BY_ONE = os.environ.get("STRATEGY") == "each"

log = open_log("offers", "json")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /offers?page=NUMBER`."""
    started = time.monotonic()
    first = PAGE * int(query["page"])
    with psycopg.connect(os.environ["DSN"], application_name="offers") as connection:
        queries = load(connection, first)
    taken_ms = round(1000 * (time.monotonic() - started), 1)
    fields = {
        "path": path,
        "page": query["page"],
        "status": 200,
        "queries": queries,
        "ms": taken_ms,
    }
    log.info("request", extra=fields)
    return 200, {"offers": PAGE}


def load(connection: psycopg.Connection[Any], first: int) -> int:
    """Read a page of offers; how many queries that took."""
    if not ONE_BY_ONE:
        connection.execute(
            "select id, amount_cents from orders where id between %s and %s",
            (first, first + PAGE - 1),
        ).fetchall()
        return 1
    for key in range(first, first + PAGE):
        price = "select amount_cents from orders where id + 0 = %s"
        connection.execute(price, (key,)).fetchone()
    return PAGE + 1


if __name__ == "__main__":
    version = os.environ["VERSION"]
    log.info("listening", extra={"port": os.environ["PORT"], "version": version})
    serve(int(os.environ["PORT"]), handle)
