"""A stand-in for the HTTP APIs of docker and kubernetes, over a real socket."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

_WITHOUT_BODY = (204, 304)


@dataclass
class Request:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    content_type: str = ""
    body: bytes = b""


@dataclass
class Answer:
    """What to send: the body in pieces, a chunk each, made anew for each request.

    Without a status the connection is closed at once, without `ends` reset after the last piece.
    `holds_until` keeps what comes after the first piece back until it is set. A body that is not
    chunked ends with the connection.
    """

    pieces: Callable[[], Iterable[bytes]]
    status: int = 200
    ends: bool = True
    holds_until: threading.Event | None = None
    is_chunked: bool = True
    headers: dict[str, str] = field(default_factory=dict)


class StandIn:
    """Answers GET by path from `routes`, and keeps all `requests`.

    Any other method is answered by its path from `orders`, where that method stands, or is a 405.
    A `speaker`, where there is one, answers everything instead: a status, and the body.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.routes: dict[str, Callable[[Request], Answer]] = {}
        self.orders: dict[tuple[str, str], Callable[[Request], Answer]] = {}
        self.speaker: Callable[[Request], tuple[int, bytes]] | None = None
        self.is_closing = threading.Event()
        self.is_holding = threading.Event()
        self.meeting: threading.Barrier | None = None

    def json(self, path: str, value: object, status: int = 200) -> None:
        self.raw(path, json.dumps(value).encode(), status=status)

    def raw(self, path: str, *pieces: bytes, status: int = 200, ends: bool = True) -> None:
        self.routes[path] = lambda _: Answer(lambda: pieces, status, ends)

    def order(self, method: str, path: str, status: int, *pieces: bytes, ends: bool = True) -> None:
        """What to answer to a request that would change something."""
        self.orders[method, path] = lambda _: Answer(lambda: pieces, status, ends)

    def breaks_off(self, method: str, path: str) -> None:
        """Take the request and close the connection without a word."""
        self.orders[method, path] = lambda _: Answer(tuple, 0)

    def is_silent(self, method: str, path: str) -> None:
        """Take the request and answer nothing until the stand-in is closed."""

        def answer(_: Request) -> Answer:
            self.is_closing.wait()
            return Answer(tuple, 0)

        self.orders[method, path] = answer

    def ordered(self) -> list[Request]:
        """The requests that would change something."""
        return [request for request in self.requests if request.method != "GET"]

    def endless(self, path: str, piece: bytes, status: int = 200) -> None:
        def pieces() -> Iterator[bytes]:
            while not self.is_closing.is_set():
                yield piece

        self.routes[path] = lambda _: Answer(pieces, status)

    def stalls(self, path: str, *pieces: bytes, is_chunked: bool = True) -> None:
        """Answers with the first piece, and then nothing more until the stand-in is closed."""
        answer = Answer(lambda: pieces, holds_until=self.is_closing, is_chunked=is_chunked)
        self.routes[path] = lambda _: answer

    def is_holding_in_main_thread(self) -> bool:
        """Whether an answer stalls, as told to the thread that waits for the others only."""
        is_main = threading.current_thread() is threading.main_thread()
        return is_main and self.is_holding.is_set()

    def redirect(self, path: str, location: str) -> None:
        self.routes[path] = lambda _: Answer(tuple, 307, headers={"Location": location})

    def by_query(self, path: str, key: str, bodies: dict[str, bytes | None]) -> None:
        """A body per value of a query's parameter ("" where it is missing); None is a 400."""

        def answer(request: Request) -> Answer:
            body = bodies[request.query.get(key, "")]
            return Answer(lambda: (b"{}" if body is None else body,), 400 if body is None else 200)

        self.routes[path] = answer

    def by_query_json(
        self, path: str, key: str, values: dict[str, object], status: int = 400
    ) -> None:
        """As `by_query`, with values that become JSON; None is an error with `status`."""

        def answer(request: Request) -> Answer:
            value = values[request.query.get(key, "")]
            body = json.dumps(value).encode()
            return Answer(lambda: (body,), status if value is None else 200)

        self.routes[path] = answer

    def meets(self, path: str, parties: int) -> None:
        """Answers when `parties` requests for paths of this kind are there at the same time."""
        if self.meeting is None:
            self.meeting = threading.Barrier(parties, timeout=10)
        meeting = self.meeting

        def answer(_: Request) -> Answer:
            meeting.wait()
            return Answer(lambda: (b"met\n",))

        self.routes[path] = answer

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def query(self, path: str) -> dict[str, str]:
        """The query of the last request for `path`."""
        return [request.query for request in self.requests if request.path == path][-1]


def _chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            login = self.headers.get("Authorization", "")
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            content_type = self.headers.get("Content-Type", "")
            request = Request(self.command, parts.path, query, login, content_type, body)
            stand_in.requests.append(request)
            with suppress(OSError):
                self._send(_answer_to(stand_in, request))

        def _send(self, answer: Answer) -> None:
            if not answer.status:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status in _WITHOUT_BODY:
                self.end_headers()
                return
            if answer.is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number, piece in enumerate(answer.pieces()):
                if number == 1:
                    self._hold(answer)
                # An empty chunk would end the body, and the one after it be the next answer.
                if piece:
                    self.wfile.write(_chunk(piece) if answer.is_chunked else piece)
            self._hold(answer)
            if not answer.is_chunked:
                self.close_connection = True
            elif answer.ends:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self._reset()

        def _hold(self, answer: Answer) -> None:
            if answer.holds_until is not None:
                self.wfile.flush()
                stand_in.is_holding.set()
                answer.holds_until.wait()

        def _reset(self) -> None:
            self.wfile.flush()
            with suppress(OSError):
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            self.close_connection = True

        def address_string(self) -> str:
            return "test"

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _answer_to(stand_in: StandIn, request: Request) -> Answer:
    if stand_in.speaker is not None:
        status, body = stand_in.speaker(request)
        return Answer(lambda: (body,), status)
    if request.method != "GET":
        order = stand_in.orders.get((request.method, request.path))
        return order(request) if order else Answer(lambda: (b"read-only",), 405)
    route = stand_in.routes.get(request.path)
    if route is None:
        return Answer(lambda: (json.dumps({"message": "not found here"}).encode(),), 404)
    return route(request)


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _TcpServer(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def _serving(stand_in: StandIn, server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    with server:
        thread.start()
        yield
        stand_in.is_closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def docker(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An engine without containers at DOCKER_HOST."""
    engine = StandIn()
    engine.json("/version", {"ApiVersion": "1.44", "Version": "25.0"})
    path = f"{short_dir}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    with _serving(engine, _UnixServer(path, _handler(engine))):
        yield engine


@pytest.fixture
def kubernetes() -> Iterator[StandIn]:
    """An API server; its `url` is what a kubeconfig names."""
    cluster = StandIn()
    server = _TcpServer(("127.0.0.1", 0), _handler(cluster))
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    with _serving(cluster, server):
        yield cluster


def _kubeconfig(url: str, token: str) -> str:
    return f"""
apiVersion: v1
kind: Config
current-context: prod
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users: [{{name: u, user: {{token: "{token}"}}}}]
contexts: [{{name: prod, context: {{cluster: c, user: u}}}}]
"""


@pytest.fixture
def kubeconfig(kubernetes: StandIn, tmp_path: Path) -> Path:
    """A kubeconfig whose current context `prod` is the stand-in, with a token."""
    path = tmp_path / "kubeconfig"
    path.write_text(_kubeconfig(kubernetes.url, "s3cret-token"))
    return path
