"""The allow-list: which hosts, ports and addresses a probe may reach.

It comes from the settings alone and is frozen: nothing that a model, a log or a runbook says can
widen it. Entries are

    api.internal:8443       a host and a port; without a port, 80 and 443; with `:*` any port
    *.example.internal      all hosts below a domain, not the domain itself
    10.1.0.0/16             a network: its addresses may be probed, and see below
    192.0.2.7:5432          one address; in IPv6 with a port: [2001:db8::7]:5432

A name is not enough: the address that it stands for is checked as well, and that very address is
then connected to, so that a name cannot change its meaning in between. Where the list names
networks, names must lie in them. Loopback, link-local and other special addresses are reached only
by entries that name them (`127.0.0.1`, `127.0.0.0/8`, not `0.0.0.0/0`), and the addresses where
clouds give out credentials (169.254.169.254) only by an entry that is that address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.errors import InvalidQuery
from tools.probes.errors import TargetRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = "[probes] allow"
_WEB_PORTS = frozenset((80, 443))
_ANY_PORT = None
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
    )
)
_SPECIAL: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4"),
            *("240.0.0.0/4", "::/128", "::1/128", "fe80::/10", "fec0::/10", "ff00::/8"),
            # Tunnels, whose inner address is somebody else's choice.
            *("2001::/32", "::/96", "64:ff9b:1::/48"),
        ),
    )
)
# They lead to an IPv4 address that stands in their last, or second, four bytes.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class _Ports:
    """The ports of an entry: None is any. Those of the web stand for ports that were not given."""

    numbers: frozenset[int] | None
    are_given: bool = True

    def __contains__(self, port: int) -> bool:
        return self.numbers is _ANY_PORT or port in self.numbers


@dataclass(frozen=True, slots=True)
class _HostEntry:
    pattern: str
    ports: _Ports

    def matches(self, host: str) -> bool:
        if self.pattern.startswith("*."):
            return host.endswith(self.pattern[1:]) and len(host) > len(self.pattern) - 1
        return host == self.pattern


@dataclass(frozen=True, slots=True)
class _NetworkEntry:
    network: Network
    ports: _Ports

    @property
    def is_single(self) -> bool:
        return self.network.num_addresses == 1


@dataclass(frozen=True, slots=True)
class AllowList:
    """What may be probed; nothing, when it is empty."""

    hosts: tuple[_HostEntry, ...] = ()
    networks: tuple[_NetworkEntry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hosts or self.networks)

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """The list of `entries`. Raises InvalidQuery, which names the entry and the forms."""
        parsed = [_parse(entry) for entry in entries]
        return cls(
            tuple(entry for entry in parsed if isinstance(entry, _HostEntry)),
            tuple(entry for entry in parsed if isinstance(entry, _NetworkEntry)),
        )

    def check_name(self, host: str) -> None:
        """Raise TargetRefused unless `host` (lower case) may be looked up."""
        if not any(entry.matches(host) for entry in self.hosts):
            raise self._refusal(host, f'"{host}"')

    def check_host(self, host: str, port: int) -> None:
        """Raise TargetRefused unless the name `host` may be probed at `port`."""
        if not any(entry.matches(host) and port in entry.ports for entry in self.hosts):
            raise self._refusal(f"{host}:{port}", f'"{host}:{port}"')

    def check_literal(self, address: Address, port: int) -> None:
        """Raise TargetRefused unless `address`, written as such, may be probed at `port`."""
        address = plain(address)
        entries = [entry for entry in self.networks if _covers(entry, address)]
        if not any(port in entry.ports for entry in entries):
            shown = _authority(address, port)
            raise self._refusal(shown, f'"{shown}"')

    def check_resolved(self, host: str, address: Address, port: int) -> None:
        """Raise TargetRefused unless the name `host`, allowed at `port`, may be at `address`."""
        address = plain(address)
        entries = [entry for entry in self.networks if _covers(entry, address)]
        if any(port in entry.ports or not entry.ports.are_given for entry in entries):
            return
        if host == "localhost" and address.is_loopback:
            return
        entry = f'"{_authority(address, port)}"'
        if _special(address) is not None or address in _METADATA:
            raise self._refusal(f"{host} at {address}, a special address,", entry)
        if any(not entry.is_single for entry in self.networks):
            raise self._refusal(f"{host} at {address}, outside of the networks,", entry)

    def _refusal(self, what: str, entry: str) -> TargetRefused:
        if not self:
            hint = f"they are off until {SETTING} names what may be probed, here {entry}"
            return TargetRefused(f"{what} was not probed: probes are off", hint)
        hint = f"whoever runs midwatch can add {entry} to {SETTING}"
        return TargetRefused(f"{what} was not probed: it is not in {SETTING}", hint)


def plain(address: Address) -> Address:
    """The address that packets to `address` reach: IPv4 inside of IPv6 is taken out."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    unscoped = ipaddress.IPv6Address(address.packed)
    return unscoped.ipv4_mapped or unscoped.sixtofour or unscoped


def _authority(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _covers(entry: _NetworkEntry, address: Address) -> bool:
    """Whether the entry means `address`: a wide network does not mean the special ones in it."""
    if address.version != entry.network.version or address not in entry.network:
        return False
    if address in _METADATA:
        return entry.is_single
    special = _special(address)
    return special is None or _is_within(entry.network, special)


def _special(address: Address) -> Network | None:
    """The network of addresses of special meaning that `address` lies in."""
    return next((n for n in _SPECIAL if n.version == address.version and address in n), None)


def _is_within(network: Network, outer: Network) -> bool:
    return network.network_address in outer and network.prefixlen >= outer.prefixlen


def _parse(entry: str) -> _HostEntry | _NetworkEntry:
    text = entry.strip().lower()
    host, ports = _split(text, entry)
    network = _network(host)
    if network is not None:
        return _NetworkEntry(network, ports)
    host = host.removesuffix(".")
    if not _NAME.fullmatch(host) or _looks_like_address(host) or len(host) > 253:
        raise _invalid(entry)
    return _HostEntry(host, ports)


def _split(text: str, entry: str) -> tuple[str, _Ports]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _invalid(entry)
        return host, _ports(rest[1:], bool(rest), entry)
    if text.count(":") > 1:
        return text, _Ports(_WEB_PORTS, are_given=False)
    host, colon, port = text.partition(":")
    return host, _ports(port, bool(colon), entry)


def _ports(text: str, is_given: bool, entry: str) -> _Ports:
    if not is_given:
        return _Ports(_WEB_PORTS, are_given=False)
    if text == "*":
        return _Ports(_ANY_PORT)
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65535:
        return _Ports(frozenset((int(text),)))
    raise _invalid(entry)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _looks_like_address(host: str) -> bool:
    """`127.1` and `0x7f000001` are addresses to some, and names of no machine."""
    return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]))


def _invalid(entry: str) -> InvalidQuery:
    return InvalidQuery(
        f"{entry!r} in {SETTING} is not a host or a network",
        'write "api.internal:8443", "*.example.internal", "10.1.0.0/16" or "192.0.2.7:5432"',
    )
