"""orders-api: orders and coupons, over a pool of database connections."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from logs import open_log
from serving import serve
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

PORT = int(os.environ["PORT"])
DSN = os.environ["DSN"]

log = open_log("orders.api", "plain")
parts = dict(part.split("=") for part in DSN.split())
engine = create_engine(
    f"postgresql+psycopg://{parts['user']}@/{parts['dbname']}?host={parts['host']}",
    pool_size=5,
    max_overflow=3,
    pool_timeout=3,
    connect_args={"application_name": "orders-api"},
)
# A basket's discount is applied at the end, in the transaction that looked the coupon up.
baskets: dict[str, Connection] = {}


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """One request, and its line in the log."""
    started = time.monotonic()
    try:
        status, body = answer(method, path, query)
    except SQLAlchemyError as error:
        log.error("%s %s failed: %s", method, path, str(error).splitlines()[0])
        status, body = 503, {"error": "unavailable"}
    log.info("%s %s %d %.0fms", method, path, status, 1000 * (time.monotonic() - started))
    return status, body


def answer(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`/orders/ID` and `/coupons/CODE?basket=ID`."""
    _, kind, key = path.split("/")
    if kind == "coupons":
        return use_coupon(key, query["basket"])
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT id, state FROM orders WHERE id = :id"), {"id": int(key)}
        ).first()
    return (200, {"order": row.id, "state": row.state}) if row else (404, {})


def use_coupon(code: str, basket: str) -> tuple[int, dict[str, Any]]:
    """Look the coupon up and discount the basket."""
    baskets[basket] = engine.connect()
    row = (
        baskets[basket]
        .execute(text("SELECT code, percent FROM coupons WHERE code = :code"), {"code": code})
        .first()
    )
    if row is None:
        log.info("coupon %s is not known, basket %s keeps its price", code, basket)
        return 404, {"coupon": code}
    baskets[basket].execute(
        text("UPDATE orders SET state = 'discounted' WHERE basket = :basket"), {"basket": basket}
    )
    baskets[basket].commit()
    baskets.pop(basket).close()
    return 200, {"percent": row.percent}


def report_pool() -> None:
    """The pool's state every ten seconds."""
    while True:
        time.sleep(10)
        log.info("%s", engine.pool.status())


if __name__ == "__main__":
    log.info("orders-api 3.8.1 listening on 127.0.0.1:%d", PORT)
    threading.Thread(target=report_pool, daemon=True).start()
    serve(PORT, handle)
