"""TLS probes: the certificate of a server and its dates, whether or not it holds."""

from __future__ import annotations

from collections.abc import Iterator

from tools.probes.allow import AllowList
from tools.probes.certificate import Trust, chain_error, judged, read_certificate
from tools.probes.connecting import locate
from tools.probes.deadline import Deadline
from tools.probes.observation import Observation
from tools.probes.resolving import NameServers
from tools.probes.target import Target


def probe_tls(
    target: Target, allow: AllowList, servers: NameServers, trust: Trust, deadline: Deadline
) -> Iterator[Observation]:
    """The certificate, with what is wrong. Raises TargetRefused, ProbeFailed, NameNotResolved."""
    place = locate(target, allow, servers, deadline)
    handshake = read_certificate(place, target.host, deadline)
    yield judged(handshake, target.host, chain_error(place, target.host, trust, deadline))
