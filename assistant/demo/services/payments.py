"""payments: charges cards through a card gateway, with a token that the gateway's owner rotates.

The gateway itself is not there: charging is a short wait. Its token is, as a file with an expiry
date; payments loads it at the start and again whenever it changes, and will not run on a bad one.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from assistant.demo.services.wire import Reply, Request, port_of, serve

TOKEN = Path("secrets/gateway-token.json")
WATCH_PERIOD_S = 0.25
EXIT_TOKEN_REFUSED = 3

_gateway = logging.getLogger("payments.gateway")
_dice = random.Random(7)


class TokenRefused(Exception):
    """The card gateway would not take this token."""


def answer(request: Request) -> Reply:
    """200 for a charged card, 402 for a declined one."""
    order, cents = request.body["order"], request.body["amount_cents"]
    time.sleep(_dice.uniform(0.002, 0.008))
    if _dice.random() < 0.03:
        _gateway.warning("card declined order=%s reason=insufficient_funds", order)
        return Reply(402, {"declined": "insufficient_funds"})
    _gateway.info("charged order=%s amount=%d.%02d EUR", order, *divmod(cents, 100))
    return Reply(200, {"charged": order})


def load_token(path: Path) -> str:
    """The key id of a token that is valid now. Raises TokenRefused."""
    try:
        token = json.loads(path.read_text())
        key, expiry = str(token["key_id"]), datetime.fromisoformat(token["expires_at"])
    except (OSError, ValueError, KeyError) as error:
        raise TokenRefused(f"{path} cannot be read: {error!r}") from error
    if expiry <= datetime.now(UTC):
        raise TokenRefused(f"token {key} in {path} expired at {token['expires_at']}")
    return key


def _use_token() -> None:
    try:
        _gateway.info("card gateway token %s accepted", load_token(TOKEN))
    except TokenRefused as error:
        _gateway.critical("card gateway token refused: %s; exiting", error)
        os._exit(EXIT_TOKEN_REFUSED)


def _watch_token() -> None:
    known = _version(TOKEN)
    while True:
        time.sleep(WATCH_PERIOD_S)
        if _version(TOKEN) != known:
            known = _version(TOKEN)
            _gateway.info("%s has changed, loading it", TOKEN)
            _use_token()


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _log_to_stdout() -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


if __name__ == "__main__":
    _log_to_stdout()
    _use_token()
    threading.Thread(target=_watch_token, daemon=True).start()
    logging.getLogger("payments").info("listening on 127.0.0.1:%d", port_of("payments"))
    serve("payments", answer)
