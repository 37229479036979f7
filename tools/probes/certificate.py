"""A server's certificate: what it says, and what is wrong with it.

It is read from a connection that verifies nothing, so that an expired or foreign one can be read at
all; whether it is trusted is judged by a second, verified handshake. Nothing is sent over either.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.errors import SourceUnreadable
from tools.probes.connecting import Place, ProbeFailed, connect, step
from tools.probes.deadline import Deadline
from tools.probes.observation import Observation, seconds

# Something wrong, in words, and how suspicious it is.
Weighed = tuple[str, float]

_SOON = timedelta(days=14)
_VERY_SOON = timedelta(days=3)
_MAX_NAMES = 5
_MAX_NAME_CHARS = 100
# OpenSSL's numbers of what a certificate is refused for, where dates and names are not the reason.
_CHAIN_ERRORS = {
    18: ("it is signed by itself", 0.6),
    19: ("it is signed by an authority that is not trusted here", 0.5),
    20: ("it is signed by an authority that is not known here, or sent without its chain", 0.55),
    21: ("it is signed by an authority that is not known here, or sent without its chain", 0.55),
    23: ("it was revoked", 0.9),
}
_ABOUT_DATES_OR_NAMES = frozenset((9, 10, 62, 63, 64))


@dataclass(frozen=True, slots=True)
class Certificate:
    """The dates and names of a certificate; `names` are host names and addresses."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]

    def covers(self, host: str) -> bool:
        """Whether it is valid for `host`; `*` stands for one label, the first."""
        _, dot, domain = host.partition(".")
        is_name = not _is_address(host)
        return host in self.names or (is_name and bool(dot) and f"*.{domain}" in self.names)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count: the authorities of this machine, and those of `ca_file`."""

    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A context that verifies the chain and the name. Raises SourceUnreadable."""
        context = ssl.create_default_context()
        if self.ca_file is None:
            return context
        try:
            context.load_verify_locations(self.ca_file)
        except OSError as error:
            raise SourceUnreadable(
                f"{self.ca_file} holds no certificates: {error.strerror}", "give it a PEM file"
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class Handshake:
    """An unverified handshake: the protocol agreed on, the certificate, and the seconds it took."""

    protocol: str
    certificate: Certificate
    connect_s: float
    tls_s: float


def read_certificate(place: Place, host: str, deadline: Deadline) -> Handshake:
    """The server's certificate, whoever signed it. Raises ProbeFailed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection, connect_s = connect(place, deadline)
    with connection:
        secured, tls_s = secure(connection, context, host, deadline)
        with secured:
            content = secured.getpeercert(binary_form=True)
            protocol = secured.version() or ""
    if not content:
        raise ProbeFailed("TLS without a certificate", "the server sent none", 0.7)
    return Handshake(protocol, parse_certificate(content), connect_s, tls_s)


def secure(
    connection: socket.socket, context: ssl.SSLContext, host: str, deadline: Deadline
) -> tuple[ssl.SSLSocket, float]:
    """TLS over `connection`, which it takes over, and the seconds it took.

    Raises ssl.SSLCertVerificationError as it is; other failures as ProbeFailed.
    """
    started = time.monotonic()
    secured = context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
    try:
        with step(deadline, "agreeing on TLS"):
            _shake_hands(secured, deadline)
    except BaseException:
        secured.close()
        raise
    return secured, time.monotonic() - started


def _shake_hands(secured: ssl.SSLSocket, deadline: Deadline) -> None:
    secured.settimeout(deadline.left_s())
    try:
        secured.do_handshake()
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        raise ProbeFailed(
            f"TLS handshake failed: {reason}", "no TLS, or no version of it in common", 0.8
        ) from None


def parse_certificate(content: bytes) -> Certificate:
    """The certificate of DER `content`. Raises ProbeFailed when it is none."""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(content)
        return Certificate(
            subject=_common_name(certificate.subject.rfc4514_string()),
            issuer=_common_name(certificate.issuer.rfc4514_string()),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            names=tuple(_names(certificate)),
        )
    except ValueError as error:
        raise ProbeFailed(f"unreadable certificate: {error}", "it breaks the format", 0.8) from None


def _names(certificate: object) -> Iterator[str]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from (name.lower() for name in names.get_values_for_type(x509.DNSName))
    yield from map(str, names.get_values_for_type(x509.IPAddress))


def _common_name(distinguished: str) -> str:
    """`CN=x` of a name, which is what people call it; the whole of it where it has none."""
    parts = distinguished.split(",")
    found = next((part[3:] for part in parts if part.startswith("CN=")), distinguished)
    return _shown(found)


def _shown(name: str) -> str:
    """A name of anybody's choosing on one line."""
    return "".join(c for c in name if c.isprintable())[:_MAX_NAME_CHARS]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def chain_error(place: Place, host: str, trust: Trust, deadline: Deadline) -> Weighed | None:
    """What is wrong with who signed the certificate, with a suspicion; None when it is trusted."""
    connection, _ = connect(place, deadline)
    with connection:
        try:
            secured, _ = secure(connection, trust.context(), host, deadline)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _ABOUT_DATES_OR_NAMES:
                return None
            return _CHAIN_ERRORS.get(error.verify_code, (error.verify_message, 0.6))
        except ProbeFailed as failure:
            return f"whether it is trusted is unknown: {failure.text}", 0.3
        secured.close()
    return None


def judged(handshake: Handshake, host: str, chain: Weighed | None) -> Observation:
    """The certificate in one line, with everything that is wrong with it."""
    certificate = handshake.certificate
    shown = (
        ", ".join(map(_shown, certificate.names[:_MAX_NAMES]))
        or f"none (subject {certificate.subject})"
    )
    text = (
        f"{handshake.protocol} certificate for {shown}, issued by {certificate.issuer}, "
        f"valid {_date(certificate.not_before)} to {_date(certificate.not_after)} "
        f"(connect {seconds(handshake.connect_s)}, TLS {seconds(handshake.tls_s)})"
    )
    troubles = [*troubles_of(certificate, host, datetime.now(UTC)), *([chain] if chain else [])]
    return Observation(text, *combined(troubles))


def troubles_of(certificate: Certificate, host: str, now: datetime) -> list[Weighed]:
    """What is wrong with dates and names at the time `now`, each with a suspicion."""
    troubles = []
    left = certificate.not_after - now
    if left <= timedelta(0):
        expired = f"it expired {_date(certificate.not_after)}, {(-left).days} days ago"
        troubles.append((expired, 0.95))
    elif left < _SOON:
        days = f"it expires in {left.days} days" if left.days else "it expires today"
        troubles.append((days, 0.7 if left < _VERY_SOON else 0.5))
    if now < certificate.not_before:
        troubles.append((f"it is not valid before {_date(certificate.not_before)}", 0.9))
    if not certificate.covers(host):
        troubles.append((f"it is not for {host}", 0.85))
    return troubles


def troubles_of_peer(connection: socket.socket, host: str) -> list[Weighed]:
    """What is, or will soon be, wrong with the certificate of a TLS connection; nothing without."""
    if not isinstance(connection, ssl.SSLSocket):
        return []
    content = connection.getpeercert(binary_form=True)
    return troubles_of(parse_certificate(content), host, datetime.now(UTC)) if content else []


def combined(troubles: Sequence[Weighed]) -> Weighed:
    """All notes as one, and the strongest suspicion."""
    note = "; ".join(note for note, _ in troubles if note)
    return note, max((suspicion for _, suspicion in troubles), default=0.0)


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
