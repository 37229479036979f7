from __future__ import annotations

import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tools.probes.servers import (
    Authority,
    Server,
    answering,
    closed_port,
    dns_server,
    http_answer,
    tcp_server,
)
from tools.evidence import Finding
from tools.probes.allow import AllowList
from tools.probes.http import MAX_BODY_BYTES, MAX_REDIRECTS
from tools.probes.probe import probe
from tools.probes.resolving import NameServers
from tools.result import Status, ToolResult

LOOPBACK = AllowList.parse(["127.0.0.1:*"])


def asked(server: Server, path: str = "/", timeout_s: float = 10) -> ToolResult:
    return probe(f"http://127.0.0.1:{server.port}{path}", LOOPBACK, timeout_s=timeout_s)


def seen(result: ToolResult) -> Finding:
    """The one finding of a probe whose answer had no text."""
    (finding,) = result.findings
    return finding


def test_a_healthy_answer_is_background() -> None:
    with tcp_server(answering(http_answer("200 OK"))) as server:
        result = asked(server, "/health?key=hunter2")
    assert result.status is Status.OK
    finding = seen(result)
    assert finding.source == f"probe http://127.0.0.1:{server.port}/health?…"
    assert re.fullmatch(
        r"HTTP 200 in \d\.\d+ s \(connect \d\.\d+ s, first byte \d\.\d+ s\): OK", finding.text
    )
    assert (finding.kind, finding.line, finding.note, finding.suspicion) == ("capture", None, "", 0)
    assert "it answers as it should" in result.summary


def test_one_get_is_sent_without_credentials() -> None:
    with tcp_server(answering(http_answer("200 OK"))) as server:
        asked(server, "/a%20b?x=1")
    (request,) = server.requests
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /a%20b?x=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert {line.partition(":")[0] for line in lines[1:] if line} == {
        *("Host", "User-Agent", "Accept", "Accept-Encoding", "Connection")
    }
    assert server.num_connections == 1


@pytest.mark.parametrize(
    ("status", "least", "most", "word"),
    [
        ("204 No Content", 0.0, 0.0, ""),
        ("304 Not Modified", 0.0, 0.0, ""),
        ("401 Unauthorized", 0.0, 0.2, "credentials"),
        ("403 Forbidden", 0.2, 0.4, "refuses"),
        ("404 Not Found", 0.4, 0.6, "path"),
        ("418 I'm a teapot", 0.3, 0.5, "does not accept"),
        ("429 Too Many Requests", 0.5, 0.7, "too many"),
        ("500 Internal Server Error", 0.8, 0.9, "failed"),
        ("503 Service Unavailable", 0.8, 0.9, "failed"),
    ],
)
def test_each_status_has_its_weight(status: str, least: float, most: float, word: str) -> None:
    with tcp_server(answering(http_answer(status))) as server:
        finding = seen(asked(server))
    code, _, reason = status.partition(" ")
    assert finding.text.startswith(f"HTTP {code} in ")
    assert finding.text.endswith(f": {reason}")
    assert least <= finding.suspicion <= most
    assert word in finding.note


def test_what_a_failing_server_says_is_a_lead() -> None:
    body = '{"status":"down",\n "db": "connection\x1b[31m refused"}'
    answer = http_answer("503 Service Unavailable", body, "Content-Type: application/json")
    with tcp_server(answering(answer)) as server:
        status, excerpt = asked(server).findings
    assert status.suspicion > excerpt.suspicion >= 0.5
    assert excerpt.text == '{"status":"down", "db": "connection [31m refused"}'
    assert "503" in excerpt.note


def test_a_healthy_body_is_background_and_bytes_are_not_shown() -> None:
    with tcp_server(answering(http_answer("200 OK", "ready"))) as server:
        _, excerpt = asked(server).findings
    assert (excerpt.text, excerpt.suspicion) == ("ready", 0.0)
    picture = http_answer("200 OK", "PNG", "Content-Type: image/png")
    with tcp_server(answering(picture)) as server:
        assert len(asked(server).findings) == 1


def test_an_endless_body_is_left_after_a_while() -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        with suppress(OSError):
            while sent < 1000 * MAX_BODY_BYTES:
                connection.sendall(b"x" * 8192)
                sent += 8192

    with tcp_server(pour) as server:
        status, excerpt = asked(server).findings
    assert status.suspicion == 0
    assert len(excerpt.text) == 300
    # What the socket's buffers hold comes on top.
    assert sent < 500 * MAX_BODY_BYTES


def test_a_stream_of_events_is_not_read() -> None:
    def stream(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        connection.recv(1)

    with tcp_server(stream) as server:
        assert seen(asked(server)).suspicion == 0


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "broke off after 4 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "broke off"),
    ],
)
def test_a_body_that_breaks_off_is_trouble(answer: bytes, word: str) -> None:
    with tcp_server(answering(answer)) as server:
        status = asked(server).findings[0]
    assert word in status.note
    assert status.suspicion == 0.6


def test_a_chunked_body_is_read() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n"
    with tcp_server(answering(answer)) as server:
        status, excerpt = asked(server).findings
    assert (status.suspicion, excerpt.text) == (0.0, "all")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"", "connection closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP answer (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", "no HTTP answer (HTTPException)"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "no HTTP answer (LineTooLong)"),
    ],
)
def test_what_is_no_http_is_told_as_such(answer: bytes, word: str) -> None:
    with tcp_server(answering(answer)) as server:
        finding = seen(asked(server))
    assert word in finding.text
    assert finding.suspicion >= 0.7


def test_a_silent_server_is_a_timeout_while_waiting() -> None:
    with tcp_server() as server:
        finding = seen(asked(server, timeout_s=0.3))
    assert finding.text == "timeout while waiting for an answer: nothing within 0.3 s"
    assert finding.suspicion >= 0.8


def test_a_server_that_dribbles_gains_no_time() -> None:
    num_sent = 0

    def dribble(connection: socket.socket) -> None:
        nonlocal num_sent
        connection.settimeout(0.05)
        with suppress(BrokenPipeError, ConnectionResetError):
            for byte in b"HTTP/1.1 200 OK" + b" " * 600:
                connection.sendall(bytes([byte]))
                num_sent += 1
                with suppress(TimeoutError):
                    if not connection.recv(1):
                        return

    with tcp_server(dribble) as server:
        finding = seen(asked(server, timeout_s=0.4))
    assert finding.text.startswith("timeout while waiting for an answer")
    assert num_sent < 600


def test_nothing_listens() -> None:
    port = closed_port()
    finding = seen(probe(f"http://127.0.0.1:{port}/", LOOPBACK))
    assert finding.text == f"connection refused while connecting to 127.0.0.1:{port}"
    assert finding.suspicion == 0.9


def redirecting(location: str) -> bytes:
    return http_answer("302 Found", "", f"Location: {location}")


def test_an_allowed_redirect_is_followed() -> None:
    with tcp_server(answering(http_answer("200 OK"))) as last:
        location = f"http://127.0.0.1:{last.port}/login?token=hunter2"
        with tcp_server(answering(redirecting(location))) as first:
            hop, end = asked(first).findings
    assert hop.text.endswith(f"leads to http://127.0.0.1:{last.port}/login?…")
    assert end.text.startswith("HTTP 200")
    assert last.requests[0].startswith(b"GET /login?token=hunter2 ")


def test_a_relative_redirect_stays_on_its_server() -> None:
    answers = [redirecting("../x"), http_answer("200 OK")]

    def serve(connection: socket.socket) -> None:
        connection.sendall(answers.pop(0))

    with tcp_server(serve) as server:
        asked(server, "/a/b")
    assert [request.split()[1] for request in server.requests] == [b"/a/b", b"/x"]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data?token=hunter2",
        "http://127.0.0.2:80/",
        "https://example.org/",
        "file:///etc/passwd",
        "http://bob:hunter2@127.0.0.1/",
        "http://127.0.0.1:99999/",
    ],
)
def test_a_redirect_off_the_list_is_told_and_not_followed(location: str) -> None:
    with tcp_server(answering(redirecting(location))) as server:
        result = asked(server)
    finding = seen(result)
    assert result.status is Status.OK
    assert finding.text.startswith("HTTP 302")
    assert finding.note.startswith("not followed: ")
    assert finding.suspicion < 0.3
    assert server.num_connections == 1
    assert "hunter2" not in f"{result}"


def test_redirects_without_end_are_left() -> None:
    with tcp_server(answering(redirecting("/again"))) as server:
        result = asked(server)
    assert server.num_connections == MAX_REDIRECTS + 1
    assert "do not end" in result.summary


def test_the_connection_goes_to_the_address_that_was_checked(no_hosts: Path) -> None:
    """A name that is asked for twice may mean another address the second time."""
    with (
        tcp_server(answering(http_answer("200 OK"))) as server,
        dns_server({("api.internal", "A"): ["127.0.0.1"]}) as names,
    ):
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        allow = AllowList.parse([f"api.internal:{server.port}", "127.0.0.1"])
        result = probe(f"http://api.internal:{server.port}/", allow, servers=servers)
    assert seen(result).text.startswith("HTTP 200")
    assert "(DNS " in seen(result).text
    assert names.questions == [("api.internal", "A")]
    assert f"Host: api.internal:{server.port}".encode() in server.requests[0]


def test_a_name_that_leads_to_a_forbidden_address_is_refused(no_hosts: Path) -> None:
    with (
        tcp_server(answering(http_answer("200 OK"))) as server,
        dns_server({("api.internal", "A"): ["127.0.0.1", "169.254.169.254"]}) as names,
    ):
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        allow = AllowList.parse(["api.internal:*", "10.0.0.0/8"])
        result = probe(f"http://api.internal:{server.port}/", allow, servers=servers)
    assert result.status is Status.ERROR
    assert result.findings == ()
    assert "127.0.0.1" in result.summary
    assert "[probes] allow" in result.summary
    assert server.num_connections == 0


def test_https_with_a_certificate_that_holds(authority: Authority) -> None:
    context = authority.context(["127.0.0.1"])
    with tcp_server(answering(http_answer("200 OK")), context) as server:
        target = f"https://127.0.0.1:{server.port}/"
        finding = seen(probe(target, LOOPBACK, ca_file=authority.file, timeout_s=10))
    assert re.search(r"\(connect \S+ s, TLS \S+ s, first byte \S+ s\): OK$", finding.text)
    assert (finding.note, finding.suspicion) == ("", 0.0)


def test_https_with_a_certificate_that_does_not_hold_sends_no_request(authority: Authority) -> None:
    context = authority.context(["other.internal"])
    with tcp_server(answering(http_answer("200 OK")), context) as server:
        target = f"https://127.0.0.1:{server.port}/"
        finding = seen(probe(target, LOOPBACK, ca_file=authority.file, timeout_s=10))
    assert "certificate for other.internal" in finding.text
    assert finding.note == "clients refuse the certificate: it is not for 127.0.0.1"
    assert finding.suspicion >= 0.8
    assert not any(server.requests)
