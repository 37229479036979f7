"""profile: a user's page; logs the user in at login and checks the token it gets."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

import jwt
from logs import open_log
from serving import call, serve

requests = count(1)

log = open_log("com.shop.profile.TokenFilter", "log4j")


def handle(method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """`GET /profile/USER`."""
    user, request = path.rsplit("/", 1)[1], f"q{next(requests)}"
    try:
        url = f"http://127.0.0.1:8051/token?user={user}&request={request}"
        token = call(url, 2, "POST")[1]["token"]
        jwt.decode(token, os.environ["SECRET"], algorithms=["HS256"], leeway=30)
    except jwt.InvalidTokenError as error:
        log.warning("401 user=%s request=%s: %s", user, request, error)
        return 401, {}
    except OSError as error:
        log.error("503 user=%s request=%s: login: %s", user, request, error)
        return 503, {}
    log.info("200 user=%s request=%s", user, request)
    return 200, {"user": user}


if __name__ == "__main__":
    log.info("profile 3.0.1 on port %s, leeway 30 s", os.environ["PORT"])
    serve(int(os.environ["PORT"]), handle)
