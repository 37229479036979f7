"""stock-sync: fetches the stock from inventory every second."""

from __future__ import annotations

import os
import time

import requests
from logs import open_log

log = open_log("stock.sync", "plain")


def main() -> None:
    """Fetch for ever."""
    run = 0
    while True:
        run += 1
        try:
            stock = requests.get(os.environ["URL"], verify=os.environ["CA"], timeout=3).json()
            log.info("run %d: %d articles updated", run, len(stock))
        except requests.RequestException as error:
            log.error("run %d failed: %s", run, error)
        time.sleep(1)


if __name__ == "__main__":
    log.info("syncing from %s", os.environ["URL"])
    main()
