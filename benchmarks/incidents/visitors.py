"""Visitors: people and machines who call a service over HTTP while an incident happens."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Safari/605.1",
    "shop-app/4.2 (Android 16)",
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    path: str
    method: str = "GET"
    body: str = ""
    agent: str = ""


def visit(
    port: int,
    rate_per_s: float,
    choose: Callable[[random.Random], Call],
    *,
    threads: int = 4,
    seed: int = 1,
    networks: tuple[str, ...] = ("203.0.113", "198.51.100"),
    timeout_s: float = 15.0,
) -> threading.Event:
    """Call the service on `port` of this machine, from many addresses, until the event is set."""
    is_over = threading.Event()

    def go(dice: random.Random) -> None:
        while not is_over.wait(dice.uniform(0.5, 1.5) * threads / rate_per_s):
            source = f"{dice.choice(networks)}.{dice.randint(1, 254)}"
            send(port, choose(dice), source, dice.choice(AGENTS), timeout_s)

    for number in range(threads):
        dice = random.Random(f"{seed}-{number}")
        threading.Thread(target=go, args=(dice,), daemon=True).start()
    return is_over


def send(
    port: int,
    call: Call,
    source: str = "127.0.0.1",
    agent: str = AGENTS[0],
    timeout_s: float = 15.0,
) -> int | None:
    """The status of the answer; None when there is none in time."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=timeout_s, source_address=(source, 0)
    )
    try:
        headers = {"User-Agent": call.agent or agent, "Host": "shop.example"}
        connection.request(call.method, call.path, call.body or None, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
