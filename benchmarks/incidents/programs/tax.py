"""tax: the tax of an amount. Rates come from rates-store and are kept for a while."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from logs import open_log
from serving import call, serve

PORT = int(os.environ["PORT"])
CONFIGURATION = Path("tax.conf")

log = open_log("tax", "klog")
settings: dict[str, str] = {}
rates_lock = threading.Lock()
rates: dict[str, Any] = {}
read_at = 0.0


def load(*_: object) -> None:
    """Read tax.conf."""
    for line in CONFIGURATION.read_text().split():
        key, _, value = line.partition("=")
        settings[key] = value
    log.info("configuration loaded", extra=dict(settings))


def current_rates() -> dict[str, Any]:
    """The rates, from rates-store when ours are too old."""
    global rates, read_at
    with rates_lock:
        if time.monotonic() - read_at >= float(settings["cache_ttl_s"]) or not rates:
            rates = call(settings["rates_url"], 5)[1]
            read_at = time.monotonic()
        return rates


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /tax/CENTS`."""
    started = time.monotonic()
    rate = current_rates()["de"]
    taken_ms = round(1000 * (time.monotonic() - started))
    if taken_ms > 400:
        log.warning("slow lookup", extra={"path": path, "ms": taken_ms})
    else:
        log.info("lookup", extra={"path": path, "ms": taken_ms})
    return 200, {"rate": rate}


if __name__ == "__main__":
    load()
    signal.signal(signal.SIGHUP, load)
    log.info("listening", extra={"port": PORT})
    serve(PORT, handle)
