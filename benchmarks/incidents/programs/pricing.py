"""pricing: what a basket costs, tax included; asks tax up to three times."""

from __future__ import annotations

import os
import time
from typing import Any

from logs import open_log
from serving import call, serve

PORT = int(os.environ["PORT"])
TAX = "http://127.0.0.1:8042/tax/"
TRIES = 3
TIMEOUT_S = 0.8

log = open_log("pricing", "logfmt")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /price/BASKET`."""
    basket = path.rsplit("/", 1)[1]
    started = time.monotonic()
    for attempt in range(1, TRIES + 1):
        try:
            rate = call(TAX + basket, TIMEOUT_S)[1]["rate"]
        except OSError as error:
            fields = {"basket": basket, "attempt": attempt, "of": TRIES, "error": error}
            log.warning("tax did not answer", extra=fields)
            continue
        taken_ms = round(1000 * (time.monotonic() - started))
        log.info("priced", extra={"basket": basket, "status": 200, "ms": taken_ms})
        return 200, {"cents": 1000 * (100 + rate) // 100}
    log.error("no price", extra={"basket": basket, "status": 503, "reason": "tax unavailable"})
    return 503, {}


if __name__ == "__main__":
    log.info("listening", extra={"port": PORT, "tax": TAX})
    serve(PORT, handle)
