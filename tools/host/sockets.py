"""TCP sockets as /proc/net/tcp and tcp6 list them. Format: proc_net_tcp, kernel documentation.

Only those of this network namespace; in a container, the container's.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tools.host.kernel_files import KernelFiles

MAX_SOCKETS = 50_000

_STATES = {
    "01": "established",
    "02": "syn-sent",
    "03": "syn-received",
    "04": "fin-wait-1",
    "05": "fin-wait-2",
    "06": "time-wait",
    "07": "close",
    "08": "close-wait",
    "09": "last-ack",
    "0A": "listen",
    "0B": "closing",
    "0C": "new-syn-received",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One TCP socket. `num_waiting`, of one that listens: connections that nobody accepted yet."""

    local: Endpoint
    remote: Endpoint
    state: str
    num_waiting: int = 0


def tcp_sockets(files: KernelFiles) -> list[TcpSocket] | None:
    """The first `MAX_SOCKETS` TCP sockets; None where the kernel does not list them."""
    texts = [files.text(f"proc/net/{name}") for name in ("tcp", "tcp6")]
    if texts == [None, None]:
        return None
    sockets = (socket for text in texts for socket in _parse(text or ""))
    return list(islice(sockets, MAX_SOCKETS))


def _parse(text: str) -> Iterator[TcpSocket]:
    """A file that was cut ends in half a line, which is left out."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            continue
        state = _STATES.get(fields[3], fields[3])
        waiting = int(fields[4].partition(":")[2], 16) if state == "listen" else 0
        yield TcpSocket(_endpoint(fields[1]), _endpoint(fields[2]), state, waiting)


def _endpoint(field: str) -> Endpoint:
    """Addresses are words of 4 bytes in the machine's own order, ports are as one reads them."""
    address, _, port = field.partition(":")
    words = [bytes.fromhex(address[at : at + 8]) for at in range(0, len(address), 8)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    ip = ipaddress.ip_address(b"".join(words))
    plain = getattr(ip, "ipv4_mapped", None) or ip
    return Endpoint(str(plain), int(port, 16))
