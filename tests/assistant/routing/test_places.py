from __future__ import annotations

import pytest

from assistant.routing.places import hosts_beyond


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:8000/v1", ""),
        ("http://LOCALHOST/v1", ""),
        ("http://127.0.0.1:8000/v1", ""),
        ("http://127.9.9.9/v1", ""),
        ("http://[::1]:8000/v1", ""),
        ("http://10.0.0.7:8000/v1", "10.0.0.7"),
        ("http://0.0.0.0:8000/v1", "0.0.0.0"),
        ("https://api.example.com/v1", "api.example.com"),
        ("https://user:pw@api.example.com/v1", "api.example.com"),
        # What looks like this machine and is another.
        ("http://localhost.example.com/v1", "localhost.example.com"),
        ("http://127.0.0.1.example.com/v1", "127.0.0.1.example.com"),
        ("http://127.0.0.1@evil.example/v1", "evil.example"),
        ("http://2130706433/v1", "2130706433"),
        ("http://[::ffff:10.0.0.1]/v1", "::ffff:10.0.0.1"),
        ("http://[broken/v1", "http://[broken/v1"),
        ("nothing", "nothing"),
    ],
)
def test_host_is_this_machine_or_named(url: str, host: str) -> None:
    assert hosts_beyond([url]) == ((host,) if host else ())


def test_each_host_is_named_once_in_order() -> None:
    urls = ["http://b/v1", "http://localhost/v1", "http://a:1/v1", "http://a:2/v1", "http://b/v2"]
    assert hosts_beyond(urls) == ("b", "a")
