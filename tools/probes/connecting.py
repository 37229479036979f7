"""Connections to addresses that were checked, and how long each step to them took."""

from __future__ import annotations

import errno
import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools.probes.allow import Address, AllowList
from tools.probes.deadline import Deadline
from tools.probes.errors import TargetRefused
from tools.probes.resolving import NameServers
from tools.probes.target import Target

_REASONS = {
    errno.ECONNREFUSED: ("connection refused", "nothing listens on this port", 0.9),
    errno.ECONNRESET: ("connection reset", "the other side broke the connection off", 0.8),
    errno.EPIPE: ("connection reset", "the other side broke the connection off", 0.8),
    errno.EHOSTUNREACH: ("no route to the host", "the network does not lead there", 0.85),
    errno.ENETUNREACH: ("network unreachable", "this machine has no way there", 0.85),
}


class ProbeFailed(Exception):
    """A step did not succeed: what was observed, what it means, and how suspicious that is."""

    def __init__(self, text: str, note: str, suspicion: float) -> None:
        super().__init__(text)
        self.text = text
        self.note = note
        self.suspicion = suspicion


@dataclass(frozen=True, slots=True)
class Place:
    """A checked address of a target, and how long its name took to resolve (0: no name)."""

    address: Address
    port: int
    dns_s: float = 0.0

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


def locate(target: Target, allow: AllowList, servers: NameServers, deadline: Deadline) -> Place:
    """The first address of the target that may be probed.

    Raises TargetRefused when there is none: before any look-up, when the target itself is not
    allowed. Raises NameNotResolved and TimeoutError.
    """
    if target.address is not None:
        allow.check_literal(target.address, target.port)
        return Place(target.address, target.port)
    allow.check_host(target.host, target.port)
    started = time.monotonic()
    addresses = servers.addresses(target.host, deadline)
    dns_s = time.monotonic() - started
    return Place(_first_allowed(target, addresses, allow), target.port, dns_s)


def _first_allowed(target: Target, addresses: list[Address], allow: AllowList) -> Address:
    refusals = []
    for address in addresses:
        try:
            allow.check_resolved(target.host, address, target.port)
        except TargetRefused as refusal:
            refusals.append(refusal)
        else:
            return address
    raise refusals[0]


def connect(place: Place, deadline: Deadline) -> tuple[socket.socket, float]:
    """A TCP connection to the very address that was checked, and the seconds it took.

    Raises ProbeFailed, TimeoutError.
    """
    started = time.monotonic()
    with step(deadline, f"connecting to {place}"):
        connection = socket.create_connection((str(place.address), place.port), deadline.left_s())
    return connection, time.monotonic() - started


@contextmanager
def step(deadline: Deadline, doing: str) -> Iterator[None]:
    """Turns the operating system's errors in one step of a probe into ProbeFailed.

    A certificate that is not accepted is no failure yet: it can still be read.
    """
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise
    except TimeoutError:
        raise ProbeFailed(
            f"timeout while {doing}: nothing within {deadline.limit_s:g} s",
            "the other side does not answer, or packets are dropped on the way",
            0.85,
        ) from None
    except OSError as error:
        text, note, suspicion = _REASONS.get(
            error.errno or 0, (error.strerror or str(error), "the connection failed", 0.8)
        )
        raise ProbeFailed(f"{text} while {doing}", note, suspicion) from None


class BoundedReader(io.RawIOBase):
    """Reads of a connection that all share one deadline: a server that dribbles gains no time."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """What has arrived, at most what fits. Raises TimeoutError."""
        self._connection.settimeout(self._deadline.left_s())
        return self._connection.recv_into(buffer)  # type: ignore[arg-type]
