"""Certificates of a company's own authority, with any lifetime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_Signed = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]

_TLS = Path("/srv/tls")


def issue(name: str, lifetime: timedelta) -> None:
    """A certificate for `name` in /srv/tls, signed by the company's authority beside it."""
    _TLS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    authority = _sign("Shop Internal CA", None, None, now - timedelta(days=900), timedelta(4000))
    leaf = _sign(name, authority, name, now + lifetime - timedelta(days=90), timedelta(days=90))
    (_TLS / "ca.pem").write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    (_TLS / f"{name}.pem").write_bytes(leaf[0].public_bytes(serialization.Encoding.PEM))
    key = leaf[1].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (_TLS / f"{name}.key").write_bytes(key)


def _sign(
    subject: str,
    issuer: _Signed | None,
    alternative: str | None,
    begin: datetime,
    lifetime: timedelta,
) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    certificate, issuing_key = issuer or (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(certificate.subject if certificate else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + lifetime)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if alternative:
        names = x509.SubjectAlternativeName([x509.DNSName(alternative)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuing_key, hashes.SHA256()), key
