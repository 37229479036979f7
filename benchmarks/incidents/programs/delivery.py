"""delivery-api: what a delivery costs; asks geo where a postcode is."""

from __future__ import annotations

import http.client
import os
import time
from typing import Any

from logs import open_log
from serving import serve

log = open_log("com.shop.delivery.Quotes", "log4j")
# Islands get a second answer later, so their connections are kept for it.
island_connections: list[http.client.HTTPConnection] = []


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /quote/POSTCODE`."""
    postcode = path.rsplit("/", 1)[1]
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", 8088, timeout=3)
    try:
        connection.request("GET", f"/place/{postcode}")
        connection.getresponse().read()
    except OSError as error:
        log.error("no quote for %s: geo: %s", postcode, error)
        return 502, {}
    if postcode.endswith(("0", "1", "2", "3", "4", "5")):
        island_connections.append(connection)
    else:
        connection.close()
    log.info("quote for %s in %.0f ms", postcode, 1000 * (time.monotonic() - started))
    return 200, {"cents": 490}


if __name__ == "__main__":
    log.info("delivery-api 1.4.0 listening on 127.0.0.1:%s", os.environ["PORT"])
    serve(int(os.environ["PORT"]), handle)
