"""Names to addresses and records, by the servers that this machine uses.

dnspython rather than the C library: the time is bounded, and an unknown name, a server that fails
and one that is silent are three different answers. It reads resolv.conf; /etc/hosts comes first, as
in the C library. Other sources of names (mDNS, LDAP) are not asked.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import BackendUnavailable
from tools.probes.allow import Address
from tools.probes.deadline import Deadline

if TYPE_CHECKING:
    import dns.message
    import dns.resolver

_HOSTS_FILE = Path("/etc/hosts")
_RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says to one question.

    `canonical` is the name that the asked one leads to by CNAMEs, when it does.
    """

    record_type: str
    values: tuple[str, ...]
    ttl_s: int = 0
    canonical: str = ""


class NameNotResolved(Exception):
    """A question without an answer: `verdict` is one line that says which way it failed.

    `is_known_name`: the name exists, only not with such a record.
    """

    def __init__(self, verdict: str, note: str, is_known_name: bool = False) -> None:
        super().__init__(verdict)
        self.verdict = verdict
        self.note = note
        self.is_known_name = is_known_name


@dataclass(frozen=True, slots=True)
class NameServers:
    """Where names are looked up: the files of this machine unless others are given.

    `servers` are addresses, asked at `port`; without any, those of `resolv_conf`.
    """

    servers: Sequence[str] = ()
    port: int = 53
    hosts_file: Path = _HOSTS_FILE
    resolv_conf: Path = _RESOLV_CONF

    def addresses(self, host: str, deadline: Deadline) -> list[Address]:
        """The addresses of `host`: IPv4, or IPv6 where there is none. Raises NameNotResolved."""
        known = self.listed(host)
        if known:
            return known
        try:
            answer = self.ask(host, "A", deadline)
        except NameNotResolved as failure:
            if not failure.is_known_name:
                raise
            answer = self.ask(host, "AAAA", deadline)
        return [ipaddress.ip_address(value) for value in answer.values]

    def listed(self, host: str) -> list[Address]:
        """The addresses of `host` in the hosts file, which programs see instead of DNS."""
        try:
            lines = self.hosts_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        rows = (line.partition("#")[0].split() for line in lines)
        found = [row[0] for row in rows if host in map(str.lower, row[1:])]
        addresses = [address for text in found if (address := _address(text))]
        return sorted(addresses, key=lambda address: address.version)

    def ask(self, host: str, record_type: str, deadline: Deadline) -> Answer:
        """The records of `host`. Raises NameNotResolved; TimeoutError when no time is left."""
        left_s = deadline.left_s()
        resolver = self._resolver(left_s)
        with _explained(host, record_type, resolver.nameservers):
            answer = resolver.resolve(host, record_type, search=True, lifetime=left_s)
        asked, canonical = (_plain_name(name) for name in (answer.qname, answer.canonical_name))
        return Answer(
            record_type,
            tuple(sorted(record.to_text() for record in answer)),
            int(answer.rrset.ttl) if answer.rrset else 0,
            "" if canonical == asked else canonical,
        )

    def _resolver(self, left_s: float) -> dns.resolver.Resolver:
        """A resolver that asks each server once, the time divided among them."""
        import dns.resolver

        try:
            resolver = dns.resolver.Resolver(str(self.resolv_conf), configure=not self.servers)
        except dns.resolver.NoResolverConfiguration as error:
            raise BackendUnavailable(
                f"{self.resolv_conf} names no name server", "name one there"
            ) from error
        if self.servers:
            resolver.nameservers = list(self.servers)
            resolver.port = self.port
        resolver.timeout = left_s / max(1, len(resolver.nameservers))
        return resolver


@contextmanager
def _explained(host: str, record_type: str, servers: Sequence[object]) -> Iterator[None]:
    """Turns the library's errors for one question into NameNotResolved."""
    import dns.exception
    import dns.resolver

    started = time.monotonic()
    try:
        yield
    except dns.resolver.NXDOMAIN:
        raise NameNotResolved(
            f"NXDOMAIN: there is no name {host}", "the name servers know no such name"
        ) from None
    except dns.resolver.NoAnswer:
        raise NameNotResolved(
            f"no data: {host} has no {record_type} record", "the name exists without it", True
        ) from None
    except dns.resolver.NoNameservers as error:
        raise _server_failure(error, host) from None
    except dns.resolver.LifetimeTimeout:
        asked = ", ".join(map(str, servers))
        raise NameNotResolved(
            f"timeout: no answer about {host} from {asked} in {time.monotonic() - started:.1f} s",
            "the name servers do not answer, or cannot be reached",
        ) from None
    except dns.exception.DNSException as error:
        raise NameNotResolved(
            f"{type(error).__name__} for {host}: {error}", "the look-up failed"
        ) from None


def _server_failure(error: dns.resolver.NoNameservers, host: str) -> NameNotResolved:
    """All servers answered that they cannot, or could not be talked to."""
    said = []
    for server, _, _, trouble, response in error.kwargs.get("errors", []):
        name = str(server).removeprefix("Do53:")
        said.append(f"{_code(response) if response is not None else trouble} from {name}")
    verdict = f"{'; '.join(dict.fromkeys(said)) or 'no server answered'} about {host}"
    return NameNotResolved(verdict, "the name servers cannot answer")


def _code(response: dns.message.Message) -> str:
    import dns.rcode

    return dns.rcode.to_text(response.rcode())


def _plain_name(name: object) -> str:
    return str(name).rstrip(".").lower()


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
