"""session-api and cart-api: keep what a user does in Redis."""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import Any

import redis
from logs import open_log
from serving import serve

PORT = int(os.environ["PORT"])
TTL_S = int(os.environ.get("SESSION_TTL_S", "0")) or None
VERSION = os.environ.get("VERSION", "4.0.2")

log = open_log("sessions", "logfmt")
store = redis.Redis(socket_timeout=2)


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`POST /sessions?user=ID`."""
    started = time.monotonic()
    session = secrets.token_hex(8)
    content = json.dumps({"user": query["user"], "csrf": secrets.token_hex(2500)})
    try:
        store.set(f"session:{session}", content, ex=TTL_S)
        status, problem = 201, {}
    except redis.RedisError as error:
        status, problem = 500, {"error": error}
    taken_ms = round(1000 * (time.monotonic() - started), 1)
    fields = {"path": path, "user": query["user"], "status": status, "ms": taken_ms, **problem}
    (log.error if problem else log.info)("request", extra=fields)
    return status, {"session": session}


if __name__ == "__main__":
    log.info("starting", extra={"version": VERSION, "port": PORT, "ttl_s": TTL_S or "none"})
    serve(PORT, handle)
