"""HTTP with JSON, as this company's Python services speak it."""

from __future__ import annotations

import json
import socketserver
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Handler = Callable[[str, str, dict[str, str]], tuple[int, dict[str, Any]]]


def serve(port: int, handle: Handler) -> None:
    """Answer requests on `port` for ever, each on a thread: `handle(method, path, query)`."""
    with _Server(("127.0.0.1", port), _handler(handle)) as server:
        server.serve_forever()


def call(url: str, timeout_s: float, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """The answer of another service. Raises OSError when there is none in time."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, {}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: the caller has gone away."""


def _handler(handle: Handler) -> type[BaseHTTPRequestHandler]:
    class _Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            status, body = handle(self.command, address.path, dict(parse_qsl(address.query)))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: each service writes its own log."""

    return _Requests
