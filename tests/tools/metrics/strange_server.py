"""A small HTTP server that answers as a Prometheus that is ill, or as something that is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Reply:
    """An answer; `drip_s` is how long it waits before each further byte."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drip_s: float = 0.0


@dataclass
class Asked:
    """What was asked, and with which headers."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: Mapping[str, str]


Answering = Callable[[Asked], Reply]


@contextmanager
def serving(answer: Answering | Reply) -> Iterator[tuple[str, list[Asked]]]:
    """The address of a server that gives these answers, and what it was asked."""
    asked: list[Asked] = []
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(Asked("GET", parts.path, dict(parse_qsl(parts.query)), self.headers))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(Asked("POST", self.path, dict(parse_qsl(body)), self.headers))

        def _answer(self, question: Asked) -> None:
            asked.append(question)
            reply = answer if isinstance(answer, Reply) else answer(question)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._write(reply)

        def _write(self, reply: Reply) -> None:
            try:
                if not reply.drip_s:
                    self.wfile.write(reply.body)
                    return
                for byte in reply.body:
                    if is_over.wait(reply.drip_s):
                        return
                    self.wfile.write(bytes([byte]))
            except OSError:
                self.close_connection = True  # nobody listens any more

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()
