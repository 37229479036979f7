"""TCP probes: whether a port accepts a connection. Nothing is sent, nothing is read."""

from __future__ import annotations

from collections.abc import Iterator

from tools.probes.allow import AllowList
from tools.probes.connecting import connect, locate
from tools.probes.deadline import Deadline
from tools.probes.observation import Observation, seconds, slowness
from tools.probes.resolving import NameServers
from tools.probes.target import Target


def probe_tcp(
    target: Target, allow: AllowList, servers: NameServers, deadline: Deadline
) -> Iterator[Observation]:
    """Whether the port accepts. Raises TargetRefused, ProbeFailed, NameNotResolved."""
    place = locate(target, allow, servers, deadline)
    connection, connect_s = connect(place, deadline)
    connection.close()
    named = f"DNS {seconds(place.dns_s)}, " if place.dns_s else ""
    text = f"TCP connection to {place} accepted ({named}connect {seconds(connect_s)})"
    yield Observation(text, *slowness(place.dns_s + connect_s, "connecting"))
