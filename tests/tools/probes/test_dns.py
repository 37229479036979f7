from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.probes.servers import dns_server
from tools.evidence import Finding
from tools.probes.allow import AllowList
from tools.probes.probe import probe
from tools.probes.resolving import NameServers
from tools.result import Status, ToolResult

ALLOWED = AllowList.parse(["*.internal:443"])
RECORDS = {
    ("api.internal", "A"): ["10.0.0.6", "10.0.0.5"],
    ("v6.internal", "AAAA"): ["2001:db8::5"],
    ("www.internal", "CNAME"): ["api.internal."],
    ("mail.internal", "MX"): ["20 mx2.internal.", "10 mx1.internal."],
    ("_ldap.internal", "SRV"): ["0 5 389 dc1.internal."],
    ("mail.internal", "TXT"): ['"v=spf1 -all"'],
    ("many.internal", "A"): [f"10.0.1.{n}" for n in range(12)],
}


def asked(target: str, no_hosts: Path, timeout_s: float = 10) -> ToolResult:
    failures = {"broken.internal": "SERVFAIL", "closed.internal": "REFUSED"}
    with dns_server(RECORDS, failures, {"silent.internal"}) as names:
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        return probe(target, ALLOWED, servers=servers, timeout_s=timeout_s)


def seen(target: str, no_hosts: Path, timeout_s: float = 10) -> Finding:
    (finding,) = asked(target, no_hosts, timeout_s).findings
    return finding


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("api.internal", "A api.internal: 10.0.0.5, 10.0.0.6 (TTL 30 s) in "),
        ("v6.internal", "AAAA v6.internal: 2001:db8::5 (TTL 30 s) in "),
        ("www.internal", "A www.internal -> api.internal: 10.0.0.5, 10.0.0.6 (TTL 30 s) in "),
        ("dns:www.internal?type=CNAME", "CNAME www.internal: api.internal. (TTL 30 s) in "),
        ("dns:mail.internal?type=MX", "MX mail.internal: 10 mx1.internal., 20 mx2.internal. "),
        ("dns:_ldap.internal?type=SRV", "SRV _ldap.internal: 0 5 389 dc1.internal. (TTL 30 s) in "),
        ("dns:mail.internal?type=txt", 'TXT mail.internal: "v=spf1 -all" (TTL 30 s) in '),
    ],
)
def test_records(target: str, text: str, no_hosts: Path) -> None:
    finding = seen(target, no_hosts)
    assert finding.text.startswith(text)
    assert re.search(r" in \d\.\d+ s$", finding.text)
    assert (finding.note, finding.suspicion) == ("", 0.0)


def test_many_records_are_cut_and_counted(no_hosts: Path) -> None:
    assert "10.0.1.5 and 4 more (TTL" in seen("many.internal", no_hosts).text


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("nobody.internal", "NXDOMAIN: there is no name nobody.internal"),
        ("broken.internal", "SERVFAIL from 127.0.0.1@"),
        ("closed.internal", "REFUSED from 127.0.0.1@"),
        ("mail.internal", "no data: mail.internal has no A record"),
        ("dns:api.internal?type=MX", "no data: api.internal has no MX record"),
    ],
)
def test_each_way_to_fail_is_another(target: str, text: str, no_hosts: Path) -> None:
    finding = seen(target, no_hosts)
    assert finding.text.startswith(text)
    assert finding.suspicion >= 0.8
    assert finding.note


def test_a_silent_server_is_a_timeout(no_hosts: Path) -> None:
    finding = seen("silent.internal", no_hosts, timeout_s=0.3)
    assert finding.text.startswith("timeout: no answer about silent.internal from 127.0.0.1 in ")
    assert finding.suspicion >= 0.8


def test_nobody_is_asked_about_a_name_that_is_not_allowed(no_hosts: Path) -> None:
    with dns_server({}) as names:
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        result = probe("secret.evil.example", ALLOWED, servers=servers)
    assert result.status is Status.ERROR
    assert names.questions == []


def test_an_address_is_no_name(no_hosts: Path) -> None:
    result = asked("10.0.0.5", no_hosts)
    assert result.status is Status.ERROR
    assert "not a name" in result.summary


def test_the_hosts_file_comes_before_dns(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "# comment\n10.9.9.9  api.internal API2.internal # more\n::1 api.internal\nx y\n"
    )
    with dns_server(RECORDS) as names:
        servers = NameServers(("127.0.0.1",), names.port, hosts)
        (first,) = probe("api.internal", ALLOWED, servers=servers).findings
        (second,) = probe("api2.internal", ALLOWED, servers=servers).findings
    assert first.text == f"{hosts} api.internal: 10.9.9.9, ::1"
    assert second.text == f"{hosts} api2.internal: 10.9.9.9"
    assert names.questions == []


def test_the_servers_are_those_of_this_machine(tmp_path: Path, no_hosts: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("")
    servers = NameServers(hosts_file=no_hosts, resolv_conf=conf)
    result = probe("api.internal", ALLOWED, servers=servers)
    assert result.status is Status.ERROR
    assert str(conf) in result.summary
