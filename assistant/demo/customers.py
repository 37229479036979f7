"""Customers of the shop: a steady, seeded stream of real requests to front."""

from __future__ import annotations

import http.client
import json
import random
import threading
from types import TracebackType
from typing import Self

THREADS = 4
TIMEOUT_S = 10.0
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Safari/605.1",
    "shop-app/4.2 (Android 16)",
)


class Customers:
    """Up to `rate_per_s` requests a second to the front on `port`, while the context is open.

    A third of them are orders. `rate_per_s` may be changed at any time; as each customer waits for
    the answer, a slow shop gets fewer requests.
    """

    def __init__(self, port: int, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._port = port
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._shop, args=(random.Random(seed),), daemon=True)
            for seed in range(THREADS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _shop(self, dice: random.Random) -> None:
        while not self._is_over.wait(dice.uniform(0.5, 1.5) * THREADS / self.rate_per_s):
            choice = dice.random()
            if choice < 0.33:
                order(self._port, dice)
            elif choice < 0.97:
                _send(self._port, dice, "GET", f"/products/{dice.randint(1, 40)}")
            else:
                _send(self._port, dice, "GET", "/favicon.ico")


def order(port: int, dice: random.Random) -> int | None:
    """The HTTP status a customer gets for an order; None when front does not answer at all."""
    return _send(port, dice, "POST", "/checkout", {"amount_cents": dice.randint(900, 20_000)})


def _send(
    port: int, dice: random.Random, method: str, path: str, body: dict[str, int] | None = None
) -> int | None:
    headers = {
        "User-Agent": dice.choice(AGENTS),
        # Addresses reserved for documentation: these customers are nobody.
        "X-Forwarded-For": f"203.0.113.{dice.randint(1, 254)}",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body or {}), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
