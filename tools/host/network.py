"""The network of the machine: interfaces that lose packets, connections in bad states, ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tools.host.facts import Fact, Look, Unseen, names, percent
from tools.host.host import Host
from tools.host.limits import near_limit
from tools.host.sockets import MAX_SOCKETS, TcpSocket, tcp_sockets

_MAX_NAMED = 4
_MAX_PORTS = 20
# Shares of packets, in percent, that are more than the odd one; with too few packets they say
# nothing.
_LEAST_LOST = 100
_ERROR_PERCENT = 0.01
_DROP_PERCENT = 1.0
_RESENT_PERCENT = 5.0
_LEAST_SENT = 10_000
# Numbers from which on they are that suspicious.
_CLOSE_WAIT = ((1000, 0.75), (100, 0.5))
_SYN_RECEIVED = ((256, 0.5),)
_WAITING = ((64, 0.7), (4, 0.5))


def look_at_network(host: Host) -> Iterator[Look]:
    """Interfaces, TCP counters, connections by state, listening ports."""
    yield from _links(host)
    yield from _tcp_counters(host)
    sockets = tcp_sockets(host.files)
    if sockets is None:
        yield Unseen("connections")
        return
    if len(sockets) == MAX_SOCKETS:
        yield Unseen(f"connections beyond the first {MAX_SOCKETS}")
    yield from _connections(sockets)
    yield from _outgoing_ports(host, sockets)
    yield from _waiting(sockets)
    yield _listening(sockets)


def _links(host: Host) -> Iterator[Fact]:
    """Drops are counted for packets that nobody wanted, too: a weaker sign than errors."""
    for link in host.system.links():
        losses = (
            ("errors", link.num_errors, _ERROR_PERCENT, 0.45),
            ("drops", link.num_drops, _DROP_PERCENT, 0.35),
        )
        for what, number, least_percent, suspicion in losses:
            share = percent(number, link.num_packets + number)
            if number >= _LEAST_LOST and share >= least_percent:
                text = f"interface {link.name}: {number} {what} in {link.num_packets} packets"
                note = f"{share:.2f}% since the interface came up"
                yield Fact("network", text, note, suspicion)


def _tcp_counters(host: Host) -> Iterator[Fact]:
    extended = _table(host.files.lines("proc/net/netstat")).get("TcpExt", {})
    overflows = extended.get("ListenOverflows", 0)
    if overflows:
        text = f"TCP: {overflows} overflows of a listen queue"
        note = "connections were turned away because a program did not accept them; since the start"
        yield Fact("network", text, note, 0.4 if overflows >= _LEAST_LOST else 0.25)
    counters = _table(host.files.lines("proc/net/snmp")).get("Tcp", {})
    sent, resent = counters.get("OutSegs", 0), counters.get("RetransSegs", 0)
    if sent >= _LEAST_SENT and percent(resent, sent) >= _RESENT_PERCENT:
        text = f"TCP: {resent} of {sent} segments sent again"
        note = f"{percent(resent, sent):.1f}% since the start: packets are lost on the way"
        yield Fact("network", text, note, 0.4)


def _table(lines: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Pairs of lines, `Tcp: names` and `Tcp: numbers`, by their first word."""
    found: dict[str, dict[str, int]] = {}
    for head, row in zip(lines[::2], lines[1::2], strict=False):
        name, columns = head.split(":")[0], head.split()[1:]
        numbers = (int(field) for field in row.split()[1:])
        found[name] = dict(zip(columns, numbers, strict=False))
    return found


def _connections(sockets: Sequence[TcpSocket]) -> Iterator[Fact]:
    states = Counter(socket.state for socket in sockets if socket.state != "listen")
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    yield Fact("connections", f"connections: {told or 'none'}")
    bad = (
        ("close-wait", _CLOSE_WAIT, "the other side hung up and the program does not close them"),
        ("syn-received", _SYN_RECEIVED, "half-open: a flood, or answers that do not arrive"),
    )
    for state, steps, note in bad:
        suspicion = _step(steps, states[state])
        if suspicion:
            ports = Counter(socket.local.port for socket in sockets if socket.state == state)
            at = ", ".join(f"{port} ({n})" for port, n in ports.most_common(_MAX_NAMED))
            text = f"connections: {states[state]} {state}, most at local port {at}"
            yield Fact("connections", text, note, suspicion)


def _outgoing_ports(host: Host, sockets: Sequence[TcpSocket]) -> Iterator[Fact]:
    """Of one destination there can be as many connections as there are ports to come from."""
    bounds = host.files.numbers("proc/sys/net/ipv4/ip_local_port_range")
    if len(bounds) != 2:
        return
    first, last = bounds
    outgoing = Counter(
        (socket.local.address, socket.remote)
        for socket in sockets
        if socket.state != "listen" and first <= socket.local.port <= last
    )
    for (_, remote), used in outgoing.most_common(1):
        limit = last - first + 1
        text = f"outgoing ports to {remote}: {used} of {limit}"
        fact = near_limit("outgoing ports", text, used, limit, "no further connection to it")
        if fact.is_trouble:
            yield fact


def _waiting(sockets: Sequence[TcpSocket]) -> Iterator[Fact]:
    for socket in sockets:
        suspicion = _step(_WAITING, socket.num_waiting)
        if suspicion:
            text = f"listen queue of {socket.local}: {socket.num_waiting} connections wait"
            note = "the program that listens there does not accept them"
            yield Fact("listen queue", text, note, suspicion)


def _listening(sockets: Sequence[TcpSocket]) -> Fact:
    ports = sorted({socket.local.port for socket in sockets if socket.state == "listen"})
    return Fact("ports", f"listening TCP ports: {names([*map(str, ports)], _MAX_PORTS) or 'none'}")


def _step(steps: tuple[tuple[int, float], ...], number: int) -> float:
    return next((suspicion for least, suspicion in steps if number >= least), 0.0)
