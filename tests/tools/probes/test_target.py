from __future__ import annotations

from typing import cast, get_args

import pytest

from tools.probes.errors import InvalidTarget
from tools.probes.target import Kind, Target, parse_target


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("https://api.internal", "auto", Target("http", "api.internal", 443, "https", "/")),
        (
            " HTTP://API.Internal:8080/a b".replace("a b", "a%20b") + "?x=1#part",
            "auto",
            Target("http", "api.internal", 8080, "http", "/a%20b?x=1"),
        ),
        ("db:5432", "http", Target("http", "db", 5432, "http", "/")),
        (
            "https://[2001:db8::1]:8443/x",
            "auto",
            Target("http", "2001:db8::1", 8443, "https", "/x"),
        ),
        ("api.internal/health", "http", Target("http", "api.internal", 80, "http", "/health")),
        ("db.internal:5432", "auto", Target("tcp", "db.internal", 5432, "tcp")),
        ("[2001:db8::1]:5432", "auto", Target("tcp", "2001:db8::1", 5432, "tcp")),
        ("tcp://db.internal:5432", "auto", Target("tcp", "db.internal", 5432, "tcp")),
        ("tls://mail.internal:465", "auto", Target("tls", "mail.internal", 465, "tls")),
        ("mail.internal", "tls", Target("tls", "mail.internal", 443, "tls")),
        ("https://api.internal/health", "tls", Target("tls", "api.internal", 443, "tls")),
        ("https://api.internal/?type=x", "dns", Target("dns", "api.internal", 0, "dns")),
        ("https://api.internal/health", "tcp", Target("tcp", "api.internal", 443, "tcp")),
        ("api.internal.", "auto", Target("dns", "api.internal", 0, "dns")),
        (
            "dns:_ldap._tcp.corp?type=srv",
            "auto",
            Target("dns", "_ldap._tcp.corp", 0, "dns", "", "SRV"),
        ),
        ("bücher.example", "auto", Target("dns", "xn--bcher-kva.example", 0, "dns")),
    ],
)
def test_targets(text: str, kind: Kind, expected: Target) -> None:
    assert parse_target(text, kind) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("", "auto"), ("   ", "auto"), ("https://", "auto"), ("https:///x", "auto")),
        *(("ftp://api.internal", "auto"), ("file:///etc/passwd", "auto")),
        *(("https://api.internal:99999", "auto"), ("db.internal", "tcp"), ("tcp://db", "auto")),
        *(("https://a b/", "auto"), ("https://a/\r\nX: y", "auto"), ("https://a\\@b/", "auto")),
        *(("api.internal/health", "auto"), ("api.internal:8443/health", "auto")),
        *(("dns:a?type=ANY", "auto"), ("a..b", "auto"), (f"{'a' * 64}.b", "auto")),
        *((f"https://a/{'x' * 3000}", "auto"), ("tcp://db:5432", "http"), ("http://[::1", "auto")),
    ],
)
def test_what_is_no_target_is_refused_with_the_forms(text: str, kind: str) -> None:
    assert kind in get_args(Kind)
    with pytest.raises(InvalidTarget) as refused:
        parse_target(text, cast(Kind, kind))
    assert refused.value.hint


@pytest.mark.parametrize(
    "text", ["https://bob:hunter2@api.internal/", "https://hunter2@api.internal/", "hunter2@db:1"]
)
def test_credentials_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        parse_target(text)
    assert "password" in refused.value.message
    assert "hunter2" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    "text", ["https://bob:hunter2@[::1", "https://bob:hunter2@a b", "x://hunter2@a/?k=hunter2"]
)
def test_credentials_in_what_is_no_target_are_not_repeated(text: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        parse_target(text)
    assert "hunter2" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://api.internal:443/x?key=hunter2", "https://api.internal/x?…"),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080/"),
        ("db.internal:5432", "tcp://db.internal:5432"),
        ("dns:a.b?type=mx", "dns:a.b?type=MX"),
        ("a.b", "dns:a.b"),
    ],
)
def test_a_target_as_it_is_shown(text: str, shown: str) -> None:
    assert str(parse_target(text)) == shown


def test_characters_that_do_not_belong_in_a_path_are_escaped() -> None:
    assert parse_target('https://a.b/ä"<>?q=ü|').path == "/%C3%A4%22%3C%3E?q=%C3%BC%7C"
