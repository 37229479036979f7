"""checkout: takes an order, has payments charge the card, hands the rest to worker. Logs JSON."""

from __future__ import annotations

import json
import time
from itertools import count

from assistant.demo.services import log
from assistant.demo.services.wire import Reply, Request, call, port_of, serve

ATTEMPTS = 2
PAUSE_S = 0.05

_orders = count(1001)


def answer(request: Request) -> Reply:
    """200 with the order, 402 for a declined card, 502 when payments cannot be reached."""
    order = f"o-{next(_orders)}"
    charge = {"order": order, "amount_cents": request.body["amount_cents"]}
    started = time.monotonic()
    reply = _charge(charge)
    duration_ms = round(1000 * (time.monotonic() - started))
    if reply is None:
        _log("error", "order not paid, left to worker", order=order, took_ms=duration_ms)
        _hand_over("charge", charge)
        return Reply(502, {"error": "payments unavailable", "order": order})
    if reply.status == 200:
        _log("info", "order placed", order=order, took_ms=duration_ms)
        _hand_over("receipt", charge)
    else:
        _log("warn", "order refused", order=order, status=reply.status, took_ms=duration_ms)
    return Reply(reply.status, {"order": order})


def _charge(charge: dict[str, object]) -> Reply | None:
    url = f"http://127.0.0.1:{port_of('payments')}/charge"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call("payments", "POST", "/charge", charge)
        except OSError as error:
            reason = error.strerror or str(error)
            _log("error", "payments unreachable", url=url, error=reason, attempt=attempt)
        time.sleep(PAUSE_S)
    return None


def _hand_over(job: str, charge: dict[str, object]) -> None:
    try:
        call("worker", "POST", "/jobs", {"job": job, **charge})
    except OSError as error:
        reason = error.strerror or str(error)
        _log("error", "worker unreachable", order=charge["order"], error=reason)


def _log(level: str, message: str, **fields: object) -> None:
    log.write(json.dumps({"ts": log.now_iso(), "level": level, "msg": message, **fields}))


if __name__ == "__main__":
    _log("info", "checkout listening", port=port_of("checkout"))
    serve("checkout", answer)
