"""One of the company's small services: answers every request, after a few milliseconds."""

from __future__ import annotations

import os
import time
from typing import Any

from logs import open_log
from serving import serve

log = open_log("api", "logfmt")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Any request."""
    started = time.monotonic()
    time.sleep(0.004)
    taken_ms = round(1000 * (time.monotonic() - started), 1)
    log.info("request", extra={"method": method, "path": path, "status": 200, "ms": taken_ms})
    return 200, {"path": path}


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    log.info("starting", extra={"service": os.environ["SERVICE"], "port": port})
    serve(port, handle)
