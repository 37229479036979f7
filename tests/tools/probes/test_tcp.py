from __future__ import annotations

import re
import socket
from pathlib import Path

from tests.tools.probes.servers import closed_port, dns_server, tcp_server
from tools.probes.allow import AllowList
from tools.probes.probe import probe
from tools.probes.resolving import NameServers
from tools.result import Status

LOOPBACK = AllowList.parse(["127.0.0.1:*"])


def test_a_port_that_accepts_is_enough() -> None:
    with tcp_server() as server:
        result = probe(f"127.0.0.1:{server.port}", LOOPBACK)
    (finding,) = result.findings
    assert result.status is Status.OK
    assert finding.source == f"probe tcp://127.0.0.1:{server.port}"
    assert re.fullmatch(
        rf"TCP connection to 127\.0\.0\.1:{server.port} accepted \(connect \d\.\d+ s\)",
        finding.text,
    )
    assert finding.suspicion == 0


def test_a_closed_port() -> None:
    port = closed_port()
    (finding,) = probe(f"127.0.0.1:{port}", LOOPBACK).findings
    assert finding.text == f"connection refused while connecting to 127.0.0.1:{port}"
    assert (finding.note, finding.suspicion) == ("nothing listens on this port", 0.9)


def test_a_full_listen_queue_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        (finding,) = probe(f"127.0.0.1:{port}", LOOPBACK, timeout_s=0.3).findings
        for client in waiting:
            client.close()
    assert finding.text == f"timeout while connecting to 127.0.0.1:{port}: nothing within 0.3 s"


def test_a_name_is_looked_up_and_timed(no_hosts: Path) -> None:
    records = {("db.internal", "AAAA"): ["::1"], ("db.internal", "A"): ["127.0.0.1"]}
    with tcp_server() as server, dns_server(records) as names:
        allow = AllowList.parse(["db.internal:*", "127.0.0.0/8"])
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        (finding,) = probe(f"db.internal:{server.port}", allow, servers=servers).findings
    assert finding.text.startswith(f"TCP connection to 127.0.0.1:{server.port} accepted (DNS ")


def test_a_name_with_an_address_of_the_other_version_only(no_hosts: Path) -> None:
    with dns_server({("db.internal", "AAAA"): ["::1"]}) as names:
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        result = probe("db.internal:5432", AllowList.parse(["db.internal:5432"]), servers=servers)
    assert result.status is Status.ERROR
    assert "db.internal at ::1, a special address, was not probed" in result.summary


def test_a_name_without_an_address_is_a_finding(no_hosts: Path) -> None:
    with dns_server({}) as names:
        servers = NameServers(("127.0.0.1",), names.port, no_hosts)
        allow = AllowList.parse(["db.internal:5432"])
        (finding,) = probe("db.internal:5432", allow, servers=servers).findings
    assert finding.text == "NXDOMAIN: there is no name db.internal"
    assert names.questions == [("db.internal", "A")]
    assert finding.suspicion >= 0.8
