from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tools.probes.servers import Authority, answering, self_signed_context, tcp_server
from tools.evidence import Finding
from tools.probes.allow import AllowList
from tools.probes.certificate import Certificate, troubles_of
from tools.probes.probe import probe
from tools.result import Status

LOOPBACK = AllowList.parse(["127.0.0.1:*"])
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seen(context: ssl.SSLContext | None, ca_file: Path | None) -> Finding:
    with tcp_server(answering(b"220 ready\r\n"), context) as server:
        target = f"tls://127.0.0.1:{server.port}"
        (finding,) = probe(target, LOOPBACK, ca_file=ca_file, timeout_s=10).findings
    return finding


def test_a_certificate_that_holds(authority: Authority) -> None:
    finding = seen(authority.context(["api.internal", "127.0.0.1"]), authority.file)
    assert finding.text.startswith(
        "TLSv1.3 certificate for api.internal, 127.0.0.1, issued by Test Authority, valid 20"
    )
    assert (finding.note, finding.suspicion) == ("", 0.0)


def test_an_expired_certificate(authority: Authority) -> None:
    finding = seen(authority.context(["127.0.0.1"], timedelta(days=-5)), authority.file)
    assert finding.note.startswith("it expired 20")
    assert finding.note.endswith(", 5 days ago")
    assert finding.suspicion == 0.95


def test_a_certificate_for_another_host(authority: Authority) -> None:
    finding = seen(authority.context(["other.internal"]), authority.file)
    assert finding.note == "it is not for 127.0.0.1"
    assert finding.suspicion == 0.85


def test_an_authority_that_nobody_here_knows(authority: Authority) -> None:
    finding = seen(authority.context(["127.0.0.1"]), None)
    assert "an authority that is not known here" in finding.note
    assert 0.5 <= finding.suspicion < 0.7


def test_a_certificate_that_signs_itself(tmp_path: Path) -> None:
    finding = seen(self_signed_context(tmp_path, "127.0.0.1"), None)
    assert finding.note == "it is signed by itself"
    assert finding.suspicion == 0.6


def test_all_that_is_wrong_is_told(authority: Authority) -> None:
    finding = seen(authority.context(["other.internal"], timedelta(days=-5)), None)
    assert [part.split()[1] for part in finding.note.split("; ")] == ["expired", "is", "is"]
    assert finding.suspicion == 0.95


def test_no_tls_at_all() -> None:
    finding = seen(None, None)
    assert finding.text.startswith("TLS handshake failed: ")
    assert finding.suspicion == 0.8


def test_a_server_that_says_nothing_is_a_timeout_of_tls() -> None:
    with tcp_server() as server:
        (finding,) = probe(f"tls://127.0.0.1:{server.port}", LOOPBACK, timeout_s=0.3).findings
    assert finding.text == "timeout while agreeing on TLS: nothing within 0.3 s"


def test_a_file_without_authorities_is_an_error(authority: Authority, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for file in (empty, tmp_path / "missing.pem"):
        with tcp_server(answering(b""), authority.context(["127.0.0.1"])) as server:
            target = f"https://127.0.0.1:{server.port}/"
            result = probe(target, LOOPBACK, ca_file=file, timeout_s=10)
        assert result.status is Status.ERROR
        assert file.name in result.summary


@pytest.mark.parametrize(
    ("names", "host", "is_covered"),
    [
        (("api.internal",), "api.internal", True),
        (("*.internal",), "api.internal", True),
        (("*.internal",), "a.api.internal", False),
        (("*.internal",), "internal", False),
        (("*.0.0.1",), "127.0.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        ((), "api.internal", False),
    ],
)
def test_names(names: tuple[str, ...], host: str, is_covered: bool) -> None:
    assert Certificate("a", "b", NOW, NOW, names).covers(host) is is_covered


@pytest.mark.parametrize(
    ("begins", "ends", "note", "suspicion"),
    [
        (-90, 90, None, 0),
        (-90, 14, None, 0),
        (-90, 13.9, "it expires in 13 days", 0.5),
        (-90, 2.9, "it expires in 2 days", 0.7),
        (-90, 0.9, "it expires today", 0.7),
        (-90, -0.5, "it expired 2026-03-01T00:00Z, 0 days ago", 0.95),
        (1, 90, "it is not valid before 2026-03-02T12:00Z", 0.9),
    ],
)
def test_dates(begins: float, ends: float, note: str | None, suspicion: float) -> None:
    begin, end = NOW + timedelta(days=begins), NOW + timedelta(days=ends)
    certificate = Certificate("a", "b", begin, end, ("api.internal",))
    expected = [] if note is None else [(note, suspicion)]
    assert troubles_of(certificate, "api.internal", NOW) == expected
