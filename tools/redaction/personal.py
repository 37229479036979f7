"""What is personal rather than secret, replaced only when asked for: e-mail and IP addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from tools.redaction.secret import Secret

_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[A-Za-z0-9-]{1,63}+\.){1,8}[A-Za-z]{2,24}(?![\w-]|\.\w)"
)
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}+(?:\.\d{1,3}){0,3}(?![\w:])", re.ASCII)


def find_emails(text: str) -> Iterator[Secret]:
    """The e-mail addresses in `text`; `plain` is in small letters."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Secret(match.start(), match.end(), match[0].lower(), "email")


def find_ips(text: str) -> Iterator[Secret]:
    """The IP addresses in `text`, save for each machine's own (127.0.0.1, 0.0.0.0, ::1)."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            plain = _address(match[0])
            if plain:
                yield Secret(match.start(), match.end(), plain, "ip")


def _address(text: str) -> str:
    """`text` in the canonical form of an address; empty when it is none, or no machine's own."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_unspecified else str(address)
