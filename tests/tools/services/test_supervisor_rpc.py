import base64
import socket
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.errors import BackendUnavailable
from tools.services.supervisor_rpc import Address, ask

FAULT_6 = (
    b"<?xml version='1.0'?><methodResponse><fault><value><struct>"
    b"<member><name>faultCode</name><value><int>6</int></value></member>"
    b"<member><name>faultString</name><value><string>SHUTDOWN_STATE</string></value></member>"
    b"</struct></value></fault></methodResponse>"
)
EMPTY_LIST = (
    b"<?xml version='1.0'?><methodResponse><params><param><value><array><data></data></array>"
    b"</value></param></params></methodResponse>"
)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as folder:
        yield Path(folder)


@contextmanager
def http_server(status: int, body: bytes, seen: list[str | None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("unix:///run/supervisor.sock", "unix:///run/supervisor.sock"),
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001"),
        ("http://ops:s3cret@box:9001/RPC2", "http://box:9001"),
        ("http://[::1]:9001", "http://[::1]:9001"),
        ("http://box", "http://box:80"),
    ],
)
def test_an_address_is_shown_without_its_login(url: str, shown: str) -> None:
    assert str(Address.parse(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/run/supervisor.sock",
        "unix://run/supervisor.sock",
        "https://ops:s3cret@box",
        "http://",
        "http://ops:s3/cret@box:9001",
        "http://ops:s3cret@box:port",
    ],
)
def test_what_is_no_address_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(BackendUnavailable, match="not an address") as caught:
        Address.parse(url)
    assert "unix:///" in caught.value.hint
    assert "s3" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_socket_says_so(short_dir: Path) -> None:
    with pytest.raises(BackendUnavailable, match="there is no supervisor socket") as caught:
        ask(Address.parse(f"unix://{short_dir}/none.sock"), "getAllProcessInfo", 1)
    assert "start supervisord" in caught.value.hint


def test_a_socket_nobody_listens_on_is_refused(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{short_dir}/dead.sock")
    with pytest.raises(BackendUnavailable, match="connection refused"):
        ask(Address.parse(f"unix://{short_dir}/dead.sock"), "getAllProcessInfo", 1)


def test_a_path_too_long_for_a_socket_is_an_error_too() -> None:
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        ask(Address.parse("unix:///" + "x" * 200), "getAllProcessInfo", 1)


def test_silence_ends_at_the_time_limit(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{short_dir}/mute.sock")
        mute.listen()
        with pytest.raises(BackendUnavailable, match=r"no answer within 0\.1 s"):
            ask(Address.parse(f"unix://{short_dir}/mute.sock"), "getAllProcessInfo", 0.1)


def test_the_login_is_sent_and_never_shown() -> None:
    seen: list[str | None] = []
    with http_server(401, b"", seen) as port:
        address = Address.parse(f"http://o%40ps:s3cret@127.0.0.1:{port}")
        with pytest.raises(BackendUnavailable, match="refused the user name or password") as caught:
            ask(address, "getAllProcessInfo", 1)
    assert seen == ["Basic " + base64.b64encode(b"o@ps:s3cret").decode()]
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert "s3cret" not in shown
    assert "o@ps" not in shown


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"not here"), (200, b"<html>Welcome"), (200, b"plain"), (200, b"")],
)
def test_another_http_server_is_not_supervisor(status: int, body: bytes) -> None:
    with (
        http_server(status, body, []) as port,
        pytest.raises(BackendUnavailable, match="not supervisor") as caught,
    ):
        ask(Address.parse(f"http://127.0.0.1:{port}"), "getAllProcessInfo", 1)
    assert "unix_http_server" in caught.value.hint


def test_a_supervisor_that_is_going_down_says_so() -> None:
    with (
        http_server(200, FAULT_6, []) as port,
        pytest.raises(BackendUnavailable, match="shutting down"),
    ):
        ask(Address.parse(f"http://127.0.0.1:{port}"), "getAllProcessInfo", 1)


def test_the_answer_is_returned() -> None:
    with http_server(200, EMPTY_LIST, []) as port:
        assert ask(Address.parse(f"http://127.0.0.1:{port}"), "getAllProcessInfo", 1) == []
