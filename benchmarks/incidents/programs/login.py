"""login: signs tokens that are valid for five minutes from now."""

from __future__ import annotations

import os
import time
from typing import Any

import jwt
from logs import open_log
from serving import serve

log = open_log("login", "json")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`POST /token?user=ID`."""
    now = int(time.time())
    claims = {"sub": query["user"], "iat": now, "nbf": now, "exp": now + 300, "iss": "auth-1"}
    log.info("token issued", extra={"user": query["user"], "request": query["request"]})
    return 200, {"token": jwt.encode(claims, os.environ["SECRET"], algorithm="HS256")}


if __name__ == "__main__":
    log.info("listening", extra={"port": os.environ["PORT"], "host": "auth-1"})
    serve(int(os.environ["PORT"]), handle)
