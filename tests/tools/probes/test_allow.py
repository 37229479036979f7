from __future__ import annotations

from ipaddress import ip_address

import pytest

from tools.errors import InvalidQuery
from tools.probes.allow import AllowList
from tools.probes.errors import TargetRefused


def is_host_allowed(entries: list[str], host: str, port: int) -> bool:
    try:
        AllowList.parse(entries).check_host(host, port)
    except TargetRefused:
        return False
    return True


def is_literal_allowed(entries: list[str], address: str, port: int) -> bool:
    try:
        AllowList.parse(entries).check_literal(ip_address(address), port)
    except TargetRefused:
        return False
    return True


def may_stand_for(entries: list[str], host: str, address: str, port: int = 443) -> bool:
    try:
        AllowList.parse(entries).check_resolved(host, ip_address(address), port)
    except TargetRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_allowed"),
    [
        ("api.internal:8443", "api.internal", 8443, True),
        ("api.internal:8443", "api.internal", 443, False),
        ("api.internal:8443", "db.internal", 8443, False),
        ("API.Internal.:8443", "api.internal", 8443, True),
        ("api.internal", "api.internal", 443, True),
        ("api.internal", "api.internal", 80, True),
        ("api.internal", "api.internal", 22, False),
        ("api.internal:*", "api.internal", 22, True),
        ("*.example.internal", "a.example.internal", 443, True),
        ("*.example.internal", "a.b.example.internal", 443, True),
        ("*.example.internal", "example.internal", 443, False),
        ("*.example.internal", ".example.internal", 443, False),
        ("*.example.internal", "badexample.internal", 443, False),
        ("*.example.internal", "example.internal.evil.org", 443, False),
        ("*.example.internal:5432", "db.example.internal", 443, False),
        ("10.0.0.0/8", "api.internal", 443, False),
        ("0.0.0.0/0", "api.internal", 443, False),
    ],
)
def test_names(entry: str, host: str, port: int, is_allowed: bool) -> None:
    assert is_host_allowed([entry], host, port) is is_allowed


@pytest.mark.parametrize(
    ("entry", "address", "port", "is_allowed"),
    [
        ("10.1.0.0/16", "10.1.2.3", 443, True),
        ("10.1.0.0/16", "10.2.2.3", 443, False),
        ("10.1.0.0/16", "10.1.2.3", 5432, False),
        ("10.1.0.0/16:5432", "10.1.2.3", 5432, True),
        ("192.0.2.7:5432", "192.0.2.7", 5432, True),
        ("192.0.2.7:5432", "192.0.2.8", 5432, False),
        ("[2001:db8::7]:5432", "2001:db8::7", 5432, True),
        ("2001:db8::/32", "2001:db8::7", 443, True),
        ("[2001:db8::/32]:*", "2001:db8::7", 22, True),
        # A wide network does not mean the special addresses in it.
        ("0.0.0.0/0", "192.0.2.7", 443, True),
        ("0.0.0.0/0", "127.0.0.1", 443, False),
        ("0.0.0.0/0", "169.254.1.1", 443, False),
        ("0.0.0.0/0", "0.0.0.0", 443, False),
        ("::/0", "::1", 443, False),
        ("::/0", "fe80::1", 443, False),
        ("127.0.0.0/8", "127.0.0.1", 443, True),
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("169.254.0.0/16", "169.254.1.1", 80, True),
        # Where clouds give out credentials: only by that very address.
        ("169.254.0.0/16", "169.254.169.254", 80, False),
        ("169.254.169.254", "169.254.169.254", 80, True),
        ("100.64.0.0/10", "100.100.100.200", 80, False),
        ("168.63.129.0/24", "168.63.129.16", 80, False),
        ("fd00::/8", "fd00:ec2::254", 80, False),
        # IPv4 in IPv6 is the IPv4 that it leads to.
        ("::/0", "::ffff:127.0.0.1", 443, False),
        ("::/0", "::ffff:169.254.169.254", 80, False),
        ("::/0", "64:ff9b::a9fe:a9fe", 80, False),
        ("::/0", "2002:7f00:1::1", 80, False),
        ("::/0", "2001:0:1234::1", 80, False),
        ("10.1.0.0/16", "::ffff:10.1.2.3", 443, True),
        ("fe80::/10", "fe80::1%eth0", 443, True),
        ("::/0", "fe80::1%eth0", 443, False),
    ],
)
def test_addresses(entry: str, address: str, port: int, is_allowed: bool) -> None:
    assert is_literal_allowed([entry], address, port) is is_allowed


@pytest.mark.parametrize(
    ("entries", "address", "is_allowed"),
    [
        (["api.internal:*"], "192.0.2.7", True),
        (["api.internal:*"], "10.1.2.3", True),
        # Names must lie in the networks, where there are any.
        (["api.internal:*", "10.0.0.0/8"], "10.1.2.3", True),
        (["api.internal:*", "10.0.0.0/8"], "192.0.2.7", False),
        (["api.internal:*", "10.0.0.0/8", "192.0.2.7"], "192.0.2.7", True),
        (["api.internal:*", "10.0.0.0/8:5432"], "10.1.2.3", False),
        # One allowed address is no network that others must lie in.
        (["api.internal:*", "10.0.0.1"], "192.0.2.7", True),
        # An allowed name is no way to special addresses.
        (["api.internal:*"], "127.0.0.1", False),
        (["api.internal:*"], "169.254.169.254", False),
        (["api.internal:*"], "100.100.100.200", False),
        (["api.internal:*"], "::1", False),
        (["api.internal:*"], "::ffff:127.0.0.1", False),
        (["api.internal:*", "0.0.0.0/0"], "169.254.169.254", False),
        (["api.internal:*", "127.0.0.1"], "127.0.0.1", True),
        (["api.internal:*", "127.0.0.1:443"], "127.0.0.1", True),
        # One port of this machine is not all of them.
        (["api.internal:*", "127.0.0.1:8080"], "127.0.0.1", False),
        (["api.internal:*", "169.254.169.254"], "169.254.169.254", True),
    ],
)
def test_what_a_name_may_stand_for(entries: list[str], address: str, is_allowed: bool) -> None:
    assert may_stand_for(entries, "api.internal", address) is is_allowed


def test_localhost_is_this_machine_and_nothing_else() -> None:
    assert may_stand_for(["localhost"], "localhost", "127.0.0.1")
    assert may_stand_for(["localhost"], "localhost", "::1")
    assert not may_stand_for(["localhost"], "localhost", "169.254.169.254")


def test_a_refusal_names_the_setting_and_the_entry() -> None:
    with pytest.raises(TargetRefused) as refused:
        AllowList.parse(["db.internal"]).check_host("api.internal", 8443)
    assert "api.internal:8443" in refused.value.message
    assert '"api.internal:8443"' in refused.value.hint
    assert "[probes] allow" in refused.value.hint


def test_an_empty_list_switches_probes_off() -> None:
    allow = AllowList.parse([])
    assert not allow
    with pytest.raises(TargetRefused, match="probes are off"):
        allow.check_host("api.internal", 443)
    with pytest.raises(TargetRefused, match="probes are off"):
        allow.check_name("api.internal")
    with pytest.raises(TargetRefused, match="probes are off"):
        allow.check_literal(ip_address("192.0.2.7"), 443)


@pytest.mark.parametrize(
    "entry",
    [
        *("", "*", "*.", "*:443", "a.*.internal", "*example.internal", "https://api.internal"),
        *("api.internal/health", "api.internal:0", "api.internal:65536", "api.internal:http"),
        *("10.0.0.0/33", "10.0.0", "127.1", "2130706433", "0x7f000001", "[2001:db8::7", "a b"),
        *("user@api.internal", "api..internal", "-.internal", "[2001:db8::7]5432", "api.internal:"),
    ],
)
def test_an_entry_that_means_nothing_is_refused_by_name(entry: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        AllowList.parse(["api.internal", entry])
    assert repr(entry) in refused.value.message
    assert refused.value.hint
