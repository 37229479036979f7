"""How the shop's programs talk: JSON over HTTP on 127.0.0.1, ports from the environment."""

from __future__ import annotations

import http.client
import json
import os
import socketserver
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from assistant.demo.lifeline import end_with

SUPERVISOR_PID = "SHOP_SUPERVISOR_PID"
HOST = "127.0.0.1"
TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for. `body` is its JSON object, empty for GET."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a JSON object."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The body as it goes over the wire."""
        return json.dumps(self.body).encode()


def port_variable(service: str) -> str:
    """The environment variable that holds the port of `service`."""
    return f"SHOP_{service.upper()}_PORT"


def port_of(service: str) -> int:
    """The port that `service` listens on."""
    return int(os.environ[port_variable(service)])


def serve(service: str, answer: Callable[[Request], Reply]) -> None:
    """Answer requests to `service` until the process ends, each on a thread of its own."""
    end_with(int(os.environ[SUPERVISOR_PID]))
    with _Server((HOST, port_of(service)), _handler(answer)) as server:
        server.serve_forever()


def call(service: str, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
    """Ask `service`. Raises OSError when it cannot be reached or gives no answer in time."""
    connection = http.client.HTTPConnection(HOST, port_of(service), timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body or {}))
        response = connection.getresponse()
        return Reply(response.status, json.loads(response.read() or b"{}"))
    except http.client.HTTPException as error:
        raise ConnectionError(f"{service} broke off its answer") from error
    finally:
        connection.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def _handler(answer: Callable[[Request], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(Request("GET", self.path, dict(self.headers)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._reply(Request("POST", self.path, dict(self.headers), json.loads(body or b"{}")))

        def _reply(self, request: Request) -> None:
            reply = answer(request)
            content = reply.to_bytes()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: each service writes its own log."""

    return Handler
