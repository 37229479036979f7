"""account-api: accounts, and mails that it leaves to the queue."""

from __future__ import annotations

import json
import os
from typing import Any

import redis
from logs import open_log
from serving import serve

PORT = int(os.environ["PORT"])

log = open_log("account-api", "json")
store = redis.Redis(socket_timeout=2)


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /accounts/ID` and `POST /password-reset?user=ID`."""
    if method == "GET":
        log.info("request", extra={"path": path, "status": 200})
        return 200, {"account": path.rsplit("/", 1)[1]}
    mail = {"to": f"{query['user']}@customers.example", "template": "password-reset"}
    length = store.rpush("mails", json.dumps(mail))
    log.info("mail queued", extra={"user": query["user"], "status": 202, "queue_length": length})
    return 202, {}


if __name__ == "__main__":
    log.info("listening", extra={"port": PORT})
    serve(PORT, handle)
