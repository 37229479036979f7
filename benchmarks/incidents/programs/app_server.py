"""app-1 and app-2: pages out of a store, which is compacted now and then if it is so set."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from logs import open_log
from serving import serve

PERIOD_S = float(os.environ.get("COMPACT_PERIOD_S", "0"))

log = open_log("app.server", "plain")
store = threading.Lock()


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /page/NUMBER` and `GET /health`, both out of the store."""
    started = time.monotonic()
    with store:
        time.sleep(0.005)
    if path != "/health":
        log.info("%s 200 %.0fms", path, 1000 * (time.monotonic() - started))
    return 200, {}


def compact() -> None:
    """Compact for ever, with nobody else in the store."""
    while True:
        time.sleep(PERIOD_S)
        with store:
            log.info("compaction of the store begins, segments=12")
            time.sleep(4)
        log.info("compaction of the store done, freed 48 MB")


if __name__ == "__main__":
    log.info("listening on 127.0.0.1:%s", os.environ["PORT"])
    if PERIOD_S:
        threading.Thread(target=compact, daemon=True).start()
    serve(int(os.environ["PORT"]), handle)
