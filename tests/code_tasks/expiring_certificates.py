"""Certificates that will be the next incident."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Check the certificates in the folder certs (files *.pem) with openssl. Print the file name of
every certificate that has expired or expires within the next 30 days, one per line.
"""


def setup(place: Place) -> None:
    for name, days in (("shop", 90), ("api", 10), ("old site", -5), ("mail", 29), ("vpn", 31)):
        place.write(f"certs/{name}.pem", _certificate(name, days))
    place.write("certs/readme.txt", "renew early\n")


def _certificate(name: str, days: int) -> bytes:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ed25519.Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    # Half a day more than whole days, so that no rounding decides.
    ends = datetime.now(UTC) + timedelta(days=days, hours=12)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=365))
        .not_valid_after(ends)
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.PEM)


def check(after: Outcome) -> None:
    names = sorted(path.rsplit("/", 1)[-1] for path in after.paths)
    assert names == ["api.pem", "mail.pem", "old site.pem"], f"it names {names}"


REFERENCE = """
for file in certs/*.pem; do
  openssl x509 -checkend $((30 * 86400)) -noout -in "$file" > /dev/null || echo "$file"
done
"""

WRONG = (
    """
for f in certs/*.pem; do openssl x509 -checkend 30 -noout -in "$f" >/dev/null || echo $f; done
""",
    """
for f in certs/*.pem; do
  openssl x509 -checkend 2592000 -noout -in "$f" >/dev/null && echo "$f"
done
""",
)
