from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, texts, troubles, unseen
from tools.host.kernel_files import KernelFiles
from tools.host.network import look_at_network
from tools.host.sockets import MAX_SOCKETS, Endpoint, TcpSocket, tcp_sockets
from tools.host.system import LinkCounters

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
LISTENING = (
    "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"
)


def row(state: str, local_port: int = 8080, remote_port: int = 5432, waiting: int = 0) -> str:
    return (
        f"   1: 0100007F:{local_port:04X} 0200000A:{remote_port:04X} {state} "
        f"00000000:{waiting:08X} 00:00000000 00000000     0        0 1\n"
    )


def test_sockets_as_the_kernel_lists_them(machine: Recorded) -> None:
    machine.write("proc/net/tcp", HEAD + LISTENING + row("01") + "   2: 0100007F:00")
    machine.write(
        "proc/net/tcp6",
        HEAD
        + "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A "
        "00000000:00000003 00:00000000 00000000     0        0 1\n"
        "   1: 0000000000000000FFFF00000100007F:0051 B80D0120000000000000000001000000:0052 06 "
        "00000000:00000000 00:00000000 00000000     0        0 1\n",
    )
    assert tcp_sockets(KernelFiles(machine.root)) == [
        TcpSocket(Endpoint("0.0.0.0", 8080), Endpoint("0.0.0.0", 0), "listen"),
        TcpSocket(Endpoint("127.0.0.1", 8080), Endpoint("10.0.0.2", 5432), "established"),
        TcpSocket(Endpoint("::1", 80), Endpoint("::", 0), "listen", 3),
        TcpSocket(Endpoint("127.0.0.1", 81), Endpoint("2001:db8::1", 82), "time-wait"),
    ]


def test_a_healthy_network(machine: Recorded) -> None:
    machine.system.link_list = [LinkCounters("eth0", 10**6, 3, 50), LinkCounters("eth1", 0, 0, 0)]
    machine.write("proc/net/tcp", HEAD + LISTENING + row("01") * 2 + row("06"))
    looks = list(look_at_network(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == [
        "connections: 2 established, 1 time-wait",
        "listening TCP ports: 8080",
    ]


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (LinkCounters("eth0", 10**6, 500, 0), "interface eth0: 500 errors in 1000000 packets"),
        (LinkCounters("eth0", 10**6, 0, 20000), "interface eth0: 20000 drops in 1000000 packets"),
    ],
)
def test_an_interface_loses_packets(machine: Recorded, link: LinkCounters, text: str) -> None:
    machine.system.link_list = [link]
    (fact,) = troubles(look_at_network(machine.host()))
    assert fact.text == text


def test_few_losses_say_nothing(machine: Recorded) -> None:
    machine.system.link_list = [LinkCounters("eth0", 20, 5, 5)]
    assert troubles(look_at_network(machine.host())) == []


@pytest.mark.parametrize(
    ("state", "number", "suspicion"),
    [("08", 99, None), ("08", 100, 0.5), ("08", 1000, 0.75), ("03", 256, 0.5), ("01", 5000, None)],
)
def test_connections_in_bad_states(
    machine: Recorded, state: str, number: int, suspicion: float | None
) -> None:
    machine.write("proc/net/tcp", HEAD + row(state) * number)
    found = troubles(look_at_network(machine.host()))
    assert [fact.suspicion for fact in found] == ([] if suspicion is None else [suspicion])
    for fact in found:
        assert fact.text.endswith(f"most at local port 8080 ({number})")


def test_ports_to_one_destination_run_out(machine: Recorded) -> None:
    machine.write("proc/sys/net/ipv4/ip_local_port_range", "32768\t32867\n")
    listening = "".join(row("0A", port, remote_port=0) for port in range(32768, 32868))
    rows = listening + "".join(row("06", local_port=port) for port in range(32768, 32865))
    machine.write("proc/net/tcp", HEAD + rows + row("06", 40000))
    (fact,) = troubles(look_at_network(machine.host()))
    assert fact.text == "outgoing ports to 10.0.0.2:5432: 97 of 100"
    assert fact.suspicion == 0.8


def test_a_program_does_not_accept(machine: Recorded) -> None:
    machine.write("proc/net/tcp", HEAD + row("0A", remote_port=0, waiting=64))
    (fact,) = troubles(look_at_network(machine.host()))
    assert fact.text == "listen queue of 127.0.0.1:8080: 64 connections wait"
    assert fact.suspicion == 0.7


def test_counters_of_tcp(machine: Recorded) -> None:
    machine.write(
        "proc/net/netstat", "TcpExt: A ListenOverflows\nTcpExt: 1 2000\nIpExt: B\nIpExt: 1\n"
    )
    machine.write("proc/net/snmp", "Ip: A\nIp: 1\nTcp: OutSegs RetransSegs\nTcp: 100000 6000\n")
    overflows, resent = troubles(look_at_network(machine.host()))
    assert overflows.text == "TCP: 2000 overflows of a listen queue"
    assert resent.text == "TCP: 6000 of 100000 segments sent again"


def test_a_list_without_end_is_cut_and_told(machine: Recorded) -> None:
    machine.write("proc/net/tcp", HEAD + row("01") * (MAX_SOCKETS + 1))
    looks = list(look_at_network(machine.host()))
    assert f"connections: {MAX_SOCKETS} established" in texts(looks)
    assert unseen(looks) == [f"connections beyond the first {MAX_SOCKETS}"]


def test_a_system_that_lists_no_connections(machine: Recorded) -> None:
    assert unseen(look_at_network(machine.host())) == ["connections"]
