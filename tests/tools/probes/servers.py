"""Servers on this machine that answer, stall, lie and break off, as the tests want them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Serve = Callable[[socket.socket], None]
# Long enough for no test to wait for it, short enough for a broken one to end.
STALL_S = 30.0


@dataclass
class Server:
    """A TCP server on a free port of 127.0.0.1; `requests` are the first bytes of each client."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    num_connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


def answering(content: bytes) -> Serve:
    """Sends `content` once something was asked."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(content)

    return serve


def http_answer(status: str, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


@contextmanager
def tcp_server(
    serve: Serve | None = None, context: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server that calls `serve` after each request; without one it accepts and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    farewell = socket.socket()
    farewell.bind(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            connection, client = listener.accept()
            if client == farewell.getsockname():
                connection.close()
                return
            server.num_connections += 1
            thread = threading.Thread(target=handle, args=(connection,))
            threads.append(thread)
            thread.start()

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(STALL_S)
            if serve is None:
                server.stopped.wait(STALL_S)
                return
            secured = context.wrap_socket(connection, server_side=True) if context else connection
            with secured:
                request = secured.recv(65536)
                server.requests.append(request)
                if request:
                    serve(secured)

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        server.stopped.set()
        # Clients are served in their order: whoever came before this one has been counted.
        farewell.connect(("127.0.0.1", server.port))
        acceptor.join()
        for thread in threads:
            thread.join()
        farewell.close()
        listener.close()


def closed_port() -> int:
    """A port of 127.0.0.1 where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Authority:
    """A certificate authority; `file` holds its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Test Authority")
        certificate = (
            _builder(name, name, key, timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        file = folder / "authority.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(key, certificate, file)

    def context(
        self, names: list[str], valid_for: timedelta = timedelta(days=90)
    ) -> ssl.SSLContext:
        """A server's context with a certificate of this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(names[0]), self.certificate.subject, key, valid_for)
            .add_extension(_alternatives(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .sign(self.key, hashes.SHA256())
        )
        return _context(self.file.parent, certificate, key)


def self_signed_context(folder: Path, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(name), _name(name), key, timedelta(days=90))
        .add_extension(_alternatives([name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _context(folder, certificate, key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: timedelta
) -> x509.CertificateBuilder:
    """A certificate that ends `valid_for` from now, which may be in the past."""
    end = datetime.now(UTC) + valid_for
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=120))
        .not_valid_after(end)
    )


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [
            x509.IPAddress(ip_address(name)) if name[-1].isdigit() else x509.DNSName(name)
            for name in names
        ]
    )


def _context(
    folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    file = folder / f"{certificate.serial_number}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@dataclass
class DnsServer:
    """A name server on a UDP port of 127.0.0.1.

    `records` are `name TYPE -> values`; a name without any is NXDOMAIN, `failures` give other
    codes, and names that are in `silent` get no answer.
    """

    port: int
    records: dict[tuple[str, str], list[str]]
    failures: dict[str, str]
    silent: set[str]
    questions: list[tuple[str, str]] = field(default_factory=list)

    def reply(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        record_type = dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, record_type))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.failures:
            response.set_rcode(dns.rcode.from_text(self.failures[name]))
        elif name not in {known for known, _ in self.records}:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            response.answer = list(self._answer(name, record_type))
        return response

    def _answer(self, name: str, record_type: str) -> Iterator[dns.rrset.RRset]:
        for kind in ("CNAME", record_type):
            values = self.records.get((name, kind), [])
            if values:
                yield dns.rrset.from_text(f"{name}.", 30, "IN", kind, *values)
            if values and kind == "CNAME" != record_type:
                yield from self._answer(values[0].rstrip("."), record_type)
                return
            if kind == record_type:
                return


@contextmanager
def dns_server(
    records: dict[tuple[str, str], list[str]],
    failures: dict[str, str] | None = None,
    silent: set[str] | None = None,
) -> Iterator[DnsServer]:
    """A name server that speaks the real protocol, until the end of the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        server = DnsServer(channel.getsockname()[1], records, failures or {}, silent or set())

        def serve() -> None:
            while True:
                packet, client = channel.recvfrom(4096)
                if not packet:
                    return
                response = server.reply(dns.message.from_wire(packet))
                if response is not None:
                    channel.sendto(response.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", server.port))
            thread.join()
