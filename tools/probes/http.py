"""HTTP probes: one GET, its status, its times, the beginning of its body, and where it leads.

The standard library reads the answer; the connection is made here, because it must go to the
address that was checked and every read must end in time.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from urllib.parse import urljoin

from tools.probes.allow import AllowList
from tools.probes.certificate import (
    Trust,
    Weighed,
    chain_error,
    combined,
    judged,
    read_certificate,
    secure,
    troubles_of_peer,
)
from tools.probes.connecting import BoundedReader, Place, ProbeFailed, connect, locate, step
from tools.probes.deadline import Deadline
from tools.probes.errors import InvalidTarget, TargetRefused
from tools.probes.observation import Observation, seconds, slowness
from tools.probes.resolving import NameNotResolved, NameServers
from tools.probes.target import Target, parse_target, without_secrets

MAX_BODY_BYTES = 64 * 1024
MAX_REDIRECTS = 4
_MAX_EXCERPT_CHARS = 300
_MAX_REASON_CHARS = 60
_READ_BYTES = 8192
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TEXT_TYPES = ("text/", "application/json", "application/problem+json", "application/xml")
_STREAM = "text/event-stream"
# What a status means to someone who asks without credentials, and how suspicious it is.
_STATUSES: dict[int, Weighed] = {
    401: ("it wants credentials, which a probe does not have", 0.1),
    403: ("it refuses this client", 0.3),
    404: ("there is nothing under this path", 0.5),
    429: ("it turns clients away: too many requests", 0.6),
}
_SERVER_FAILS: Weighed = ("the server says that it failed", 0.85)
_CLIENT_FAILS: Weighed = ("the server does not accept the request", 0.4)


@dataclass(frozen=True, slots=True)
class _Times:
    """How long the steps of one request took, in seconds; `dns_s` and `tls_s` are 0 without."""

    dns_s: float
    connect_s: float
    tls_s: float
    first_byte_s: float

    @property
    def total_s(self) -> float:
        return self.dns_s + self.connect_s + self.tls_s + self.first_byte_s

    def __str__(self) -> str:
        steps = [("DNS", self.dns_s), ("connect", self.connect_s), ("TLS", self.tls_s)]
        told = [f"{name} {seconds(value)}" for name, value in steps if value]
        return ", ".join([*told, f"first byte {seconds(self.first_byte_s)}"])


@dataclass(frozen=True, slots=True)
class _Body:
    """The beginning of an answer's body, and what was wrong with getting it."""

    content: bytes
    trouble: Weighed | None = None

    def excerpt(self) -> str:
        """Its first words on one line, without control characters; empty when it has none."""
        text = self.content[: 4 * _MAX_EXCERPT_CHARS].decode(errors="replace")
        printable = "".join(c if c.isprintable() else " " for c in text)
        return " ".join(printable.split())[:_MAX_EXCERPT_CHARS]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A complete answer; `certificate` is what will soon be wrong with a certificate that holds."""

    status: int
    reason: str
    location: str
    is_text: bool
    body: _Body
    times: _Times
    certificate: list[Weighed]


class _Readable:
    """A connection, as much of it as `http.client` needs to read an answer."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._reader = BoundedReader(connection, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The connection as a file."""
        return io.BufferedReader(self._reader)


def probe_http(
    target: Target, allow: AllowList, servers: NameServers, trust: Trust, deadline: Deadline
) -> Iterator[Observation]:
    """The answer to a GET, and to those that it redirects to, as far as the list allows.

    Raises TargetRefused for the first target only; ProbeFailed, NameNotResolved.
    """
    place = locate(target, allow, servers, deadline)
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = _get(target, place, trust, deadline)
        except ssl.SSLCertVerificationError:
            yield _untrusted(target, place, trust, deadline)
            return
        if answer.status not in _REDIRECTS or not answer.location:
            yield from _observed(answer)
            return
        try:
            target = parse_target(urljoin(_whole_url(target), answer.location), "http")
            place = locate(target, allow, servers, deadline)
        except (InvalidTarget, TargetRefused, NameNotResolved) as error:
            yield _not_followed(answer, error)
            return
        yield Observation(f"{_status_line(answer)}, leads to {target}")
    yield Observation(f"more than {MAX_REDIRECTS} redirects", "the redirects do not end", 0.7)


def _whole_url(target: Target) -> str:
    """The whole address, query and all, for the request only: it is never shown."""
    return f"{target.scheme}://{target.authority}{target.path}"


def _get(target: Target, place: Place, trust: Trust, deadline: Deadline) -> _Answer:
    """Raises ProbeFailed; ssl.SSLCertVerificationError for a certificate that is not accepted."""
    connection, connect_s = connect(place, deadline)
    with connection:
        if target.scheme == "http":
            return _exchange(connection, target, deadline, place.dns_s, connect_s)
        secured, tls_s = secure(connection, trust.context(), target.host, deadline)
        with secured:
            return _exchange(secured, target, deadline, place.dns_s, connect_s, tls_s)


def _exchange(
    connection: socket.socket,
    target: Target,
    deadline: Deadline,
    dns_s: float,
    connect_s: float,
    tls_s: float = 0.0,
) -> _Answer:
    readable = cast(socket.socket, _Readable(connection, deadline))
    response = http.client.HTTPResponse(readable, method="GET")
    started = time.monotonic()
    try:
        with step(deadline, "waiting for an answer"):
            connection.settimeout(deadline.left_s())
            connection.sendall(_request(target))
            _begin(response)
        times = _Times(dns_s, connect_s, tls_s, time.monotonic() - started)
        return _Answer(
            status=response.status,
            reason=_reason(response),
            location=response.getheader("Location", ""),
            is_text=response.getheader("Content-Type", "text/").startswith(_TEXT_TYPES),
            body=_body(response),
            times=times,
            certificate=troubles_of_peer(connection, target.host),
        )
    finally:
        response.close()


def _request(target: Target) -> bytes:
    """Its parts hold no line breaks: see `parse_target`."""
    return (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: midwatch\r\n"
        "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def _begin(response: http.client.HTTPResponse) -> None:
    try:
        response.begin()
    except http.client.RemoteDisconnected:
        raise ProbeFailed(
            "connection closed without an answer", "the server hung up instead of answering", 0.85
        ) from None
    except http.client.HTTPException as error:
        raise ProbeFailed(
            f"no HTTP answer ({type(error).__name__})", "something else than HTTP answers", 0.7
        ) from None


def _body(response: http.client.HTTPResponse) -> _Body:
    """At most `MAX_BODY_BYTES`, as far as they come; nothing of a stream, which has no end."""
    content = b""
    if response.getheader("Content-Type", "").startswith(_STREAM):
        return _Body(content)
    try:
        while len(content) < MAX_BODY_BYTES:
            part = response.read1(min(_READ_BYTES, MAX_BODY_BYTES - len(content)))
            if not part:
                break
            content += part
    except TimeoutError:
        return _Body(content, (f"the body did not end in time, {len(content)} bytes came", 0.5))
    except (http.client.HTTPException, OSError):
        return _Body(content, (f"the body broke off after {len(content)} bytes", 0.6))
    is_short = response.length is not None and response.length > 0
    if is_short and len(content) < MAX_BODY_BYTES:
        return _Body(content, (f"the body broke off after {len(content)} bytes", 0.6))
    return _Body(content)


def _reason(response: http.client.HTTPResponse) -> str:
    known = http.client.responses.get(response.status, "")
    said = "".join(c if c.isprintable() else " " for c in response.reason)
    return said.strip()[:_MAX_REASON_CHARS] or known


def _status_line(answer: _Answer) -> str:
    said = f": {answer.reason}" if answer.reason else ""
    return f"HTTP {answer.status} in {seconds(answer.times.total_s)} ({answer.times}){said}"


def _observed(answer: _Answer) -> Iterator[Observation]:
    troubles = [
        _judged_status(answer.status),
        slowness(answer.times.total_s, "the answer"),
        *([answer.body.trouble] if answer.body.trouble else []),
        *answer.certificate,
    ]
    yield Observation(_status_line(answer), *combined(troubles))
    excerpt = answer.body.excerpt() if answer.is_text else ""
    if excerpt:
        # What a failing server says of itself is a lead; of a healthy one it is background.
        suspicion = 0.5 if answer.status >= 500 else 0.0
        yield Observation(excerpt, f"the body of the answer HTTP {answer.status}", suspicion)


def _judged_status(status: int) -> Weighed:
    if status < 400:
        return "", 0.0
    return _STATUSES.get(status, _SERVER_FAILS if status >= 500 else _CLIENT_FAILS)


def _not_followed(
    answer: _Answer, error: InvalidTarget | TargetRefused | NameNotResolved
) -> Observation:
    text = f"{_status_line(answer)}, leads to {without_secrets(answer.location)}"
    if isinstance(error, NameNotResolved):
        return Observation(text, f"not followed: {error.verdict}", 0.7)
    return Observation(text, f"not followed: {error.message}", 0.15)


def _untrusted(target: Target, place: Place, trust: Trust, deadline: Deadline) -> Observation:
    """No request is sent to a server that does not prove who it is, as no client would."""
    handshake = read_certificate(place, target.host, deadline)
    seen = judged(handshake, target.host, chain_error(place, target.host, trust, deadline))
    note = f"clients refuse the certificate: {seen.note or 'for a reason not known here'}"
    return Observation(seen.text, note, max(seen.suspicion, 0.5))
