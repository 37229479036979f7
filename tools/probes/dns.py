"""DNS probes: what the name servers of this machine say of a name."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tools.probes.allow import AllowList
from tools.probes.deadline import Deadline
from tools.probes.errors import InvalidTarget
from tools.probes.observation import Observation, seconds, slowness
from tools.probes.resolving import Answer, NameNotResolved, NameServers
from tools.probes.target import Target

_MAX_VALUES = 8
_MAX_VALUE_CHARS = 120


def probe_dns(
    target: Target, allow: AllowList, servers: NameServers, deadline: Deadline
) -> Iterator[Observation]:
    """The records of a name: of the type asked for, or both kinds of address.

    Raises TargetRefused, InvalidTarget, NameNotResolved.
    """
    if target.address is not None:
        raise InvalidTarget(f"{target.host} is an address, not a name", "give DNS a host name")
    allow.check_name(target.host)
    if target.record_type:
        yield _asked(target.host, target.record_type, servers, deadline)
    else:
        yield from _addresses(target.host, servers, deadline)


def _addresses(host: str, servers: NameServers, deadline: Deadline) -> Iterator[Observation]:
    """Most names have addresses of one version only, which is no trouble."""
    listed = servers.listed(host)
    if listed:
        text = f"{servers.hosts_file} {host}: {', '.join(map(str, listed))}"
        yield Observation(text, "programs on this machine use this and do not ask DNS")
        return
    found: list[Observation] = []
    missing: list[NameNotResolved] = []
    for record_type in ("A", "AAAA"):
        try:
            found.append(_asked(host, record_type, servers, deadline))
        except NameNotResolved as failure:
            if not failure.is_known_name:
                raise
            missing.append(failure)
    if not found:
        raise missing[0]
    yield from found


def _asked(host: str, record_type: str, servers: NameServers, deadline: Deadline) -> Observation:
    started = time.monotonic()
    answer = servers.ask(host, record_type, deadline)
    took_s = time.monotonic() - started
    text = f"{record_type} {_named(host, answer)}: {_values(answer)} (TTL {answer.ttl_s} s)"
    return Observation(f"{text} in {seconds(took_s)}", *slowness(took_s, "the look-up"))


def _named(host: str, answer: Answer) -> str:
    return f"{host} -> {answer.canonical}" if answer.canonical else host


def _values(answer: Answer) -> str:
    shown = ", ".join(value[:_MAX_VALUE_CHARS] for value in answer.values[:_MAX_VALUES])
    rest = len(answer.values) - _MAX_VALUES
    return f"{shown} and {rest} more" if rest > 0 else shown
