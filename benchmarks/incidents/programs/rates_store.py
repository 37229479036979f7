"""rates-store: the tax rates of all countries, from a slow archive."""

from __future__ import annotations

import os
import time
from typing import Any

from logs import open_log
from serving import serve

log = open_log("rates-store", "logfmt")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /rates`."""
    time.sleep(0.15)
    log.info("rates read", extra={"path": path, "status": 200, "ms": 150})
    return 200, {"de": 19, "fr": 20, "it": 22}


if __name__ == "__main__":
    log.info("listening", extra={"port": os.environ["PORT"]})
    serve(int(os.environ["PORT"]), handle)
