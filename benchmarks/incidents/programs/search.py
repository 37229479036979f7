"""search: full text search over an index in memory, which is rebuilt now and then."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from logs import open_log
from serving import serve

PORT = int(os.environ["PORT"])
DOCUMENTS = 900_000

log = open_log("com.shop.search.IndexService", "log4j")
index_lock = threading.Lock()


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /search?q=WORDS`."""
    started = time.monotonic()
    with index_lock:
        waited_ms = 1000 * (time.monotonic() - started)
        time.sleep(0.01)
    if waited_ms > 500:
        log.warning("query '%s' waited %.0f ms for the index lock", query["q"], waited_ms)
    log.info("query '%s' hits=%d took=%.0fms", query["q"], len(query["q"]) * 3, waited_ms + 10)
    return 200, {"hits": []}


def maintain() -> None:
    """Small merges every few seconds; once the whole index."""
    for number in range(1, 6):
        time.sleep(5)
        with index_lock:
            log.info("merged segment _%d, %d documents", number, 1200 + number)
    log.info("full reindex started, %d documents, requested by catalog-import", DOCUMENTS)
    with index_lock:
        for done in range(0, DOCUMENTS, 30_000):
            log.info("reindex: %d of %d documents", done, DOCUMENTS)
            time.sleep(8)


if __name__ == "__main__":
    log.info("search 2.14.1 ready on 127.0.0.1:%d", PORT)
    threading.Thread(target=maintain, name="index-maintenance", daemon=True).start()
    serve(PORT, handle)
