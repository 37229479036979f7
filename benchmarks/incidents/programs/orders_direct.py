"""orders-api: orders, with a database connection for each request."""

from __future__ import annotations

import os
import time
from typing import Any

import psycopg
from logs import open_log
from serving import serve

PORT = int(os.environ["PORT"])
DSN = os.environ["DSN"]
NOTE_COLUMN = os.environ.get("NOTE_COLUMN", "")
VERSION = os.environ.get("VERSION", "5.1.4")

log = open_log("orders-api", "json")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """One request, and its line in the log."""
    started = time.monotonic()
    try:
        with psycopg.connect(DSN, application_name="orders-api") as connection:
            status, body = answer(connection, method, path, query)
    except psycopg.Error as error:
        problem = " ".join(str(error).split())
        log.error("database error", extra={"error": problem, "path": path})
        status, body = 500, {"error": "internal"}
    taken_ms = round(1000 * (time.monotonic() - started))
    fields = {"method": method, "path": path, "status": status, "ms": taken_ms}
    log.info("request", extra=fields)
    return status, body


def answer(
    connection: psycopg.Connection[Any], method: str, path: str, query: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """`GET /orders/ID` and `POST /orders?basket=ID`."""
    if method == "POST":
        columns = ["basket", "amount_cents", *([NOTE_COLUMN] if NOTE_COLUMN else [])]
        values = [query["basket"], 1290, *([query["note"]] if NOTE_COLUMN else [])]
        places = ", ".join(["%s"] * len(values))
        connection.execute(f"insert into orders ({', '.join(columns)}) values ({places})", values)
        return 201, {"basket": query["basket"]}
    row = connection.execute(
        "select id, state from orders where id = %s", (int(path.rsplit("/", 1)[1]),)
    ).fetchone()
    return (200, {"order": row[0], "state": row[1]}) if row else (404, {})


if __name__ == "__main__":
    log.info("listening", extra={"port": PORT, "version": VERSION})
    serve(PORT, handle)
