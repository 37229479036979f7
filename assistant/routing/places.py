"""Where a model's servers are: on this machine, or beyond it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def hosts_beyond(urls: Iterable[str]) -> tuple[str, ...]:
    """The hosts of `urls` that are not this machine, each once.

    A name other than `localhost` counts as another machine, and so does an address that cannot be
    read: what it stands for may change.
    """
    hosts = dict.fromkeys(_host(url) for url in urls)
    return tuple(host for host in hosts if not _is_this_machine(host))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
