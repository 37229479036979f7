"""front: what customers reach. Serves pages, hands orders to checkout, logs as nginx does."""

from __future__ import annotations

import os
import sys
import time
from itertools import count

from assistant.demo.services import log
from assistant.demo.services.wire import Reply, Request, call, port_of, serve

_connections = count(1)


def answer(request: Request) -> Reply:
    """A page, or the reply of checkout; 502 when checkout fails or cannot be reached."""
    started = time.monotonic()
    reply = _route(request, next(_connections))
    _log_access(request, reply, time.monotonic() - started)
    return reply


def _route(request: Request, connection: int) -> Reply:
    if (request.method, request.path) == ("POST", "/checkout"):
        return _pass_on(request, connection)
    if request.path == "/" or request.path.startswith("/products/"):
        return Reply(200, {"page": request.path})
    _log_error(connection, request, f'open() "/srv/www{request.path}" failed (2: No such file)')
    return Reply(404, {"error": "not found"})


def _pass_on(request: Request, connection: int) -> Reply:
    try:
        reply = call("checkout", "POST", "/checkout", request.body)
    except OSError as error:
        problem = f"connect() failed ({error}) while connecting to upstream"
    else:
        if reply.status < 500:
            return reply
        problem = f"upstream sent {reply.status} while reading response header from upstream"
    _log_error(connection, request, problem, f"http://127.0.0.1:{port_of('checkout')}/checkout")
    return Reply(502, {"error": "502 Bad Gateway"})


def _log_access(request: Request, reply: Reply, duration_s: float) -> None:
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    line = f'"{request.method} {request.path} HTTP/1.1" {reply.status} {len(reply.to_bytes())}'
    agent = request.headers.get("User-Agent", "-")
    log.write(f'{_client(request)} - - [{moment}] {line} "-" "{agent}" rt={duration_s:.3f}')


def _log_error(connection: int, request: Request, problem: str, upstream: str = "") -> None:
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
    line = f'request: "{request.method} {request.path} HTTP/1.1"'
    target = f', upstream: "{upstream}"' if upstream else ""
    log.write(
        f"{moment} [error] {os.getpid()}#0: *{connection} {problem}, client: {_client(request)}, "
        f"server: shop.example, {line}{target}",
        sys.stderr,
    )


def _client(request: Request) -> str:
    return request.headers.get("X-Forwarded-For", "127.0.0.1")


if __name__ == "__main__":
    serve("front", answer)
