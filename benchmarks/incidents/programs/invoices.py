"""invoices: signs and sends invoices, each country with its own key."""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
import time
from pathlib import Path

from logs import open_log

log = open_log("com.shop.invoices.Sender", "log4j")
legacy = open_log("com.shop.invoices.legacy.PdfTemplate", "log4j")
dice = random.Random(11)


def render(number: int) -> str:
    """The invoice's text, by the old templates."""
    for feature in ("setFontName", "drawString"):
        legacy.warning("%s is deprecated and will be removed in 9.0", feature)
    if dice.random() < 0.02:
        log.warning("invoice %d: address has no house number, sent as it is", number)
    return f"invoice {number}"


def send(number: int, country: str) -> None:
    """Sign one invoice and send it."""
    text = render(number)
    try:
        key = Path(f"keys/{country}.pem").read_bytes()
    except OSError as error:
        log.warning("invoice %d skipped: %s", number, error)
        return
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    log.info("invoice %d sent to %s, signature %s", number, country, signature[:12])


def main() -> None:
    """Send for ever."""
    threading.current_thread().name = "sender-1"
    number = 88000
    while True:
        number += 1
        countries, weights = ("de", "fr", "it", "at", "pt"), (50, 25, 15, 8, 2)
        send(number, dice.choices(countries, weights)[0])
        time.sleep(dice.uniform(0.01, 0.1))


if __name__ == "__main__":
    main()
