"""newsletter: sends the newsletter from a queue, several mails at a time."""

from __future__ import annotations

import os
import threading
import time

from logs import open_log

log = open_log("newsletter.sender", "plain")


def send(number: int) -> None:
    """One sender."""
    batch = 0
    while True:
        time.sleep(2 + number / 10)
        batch += 1
        log.info("sender %d: batch %d sent, 50 mails", number, batch)


def main() -> None:
    """Start the senders, as many as CONCURRENCY says."""
    log.info("newsletter 2.3.0, broker %s", os.environ["BROKER"])
    concurrency = int(os.environ["CONCURRENCY"])
    for number in range(concurrency):
        threading.Thread(target=send, args=(number,), daemon=True).start()
    log.info("%d senders started", concurrency)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
