"""Passwords in addresses: `postgres://user:password@host`, `user/password@//host`, Go's DSNs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from tools.redaction.secret import Secret
from tools.redaction.values import is_stand_in, looks_random
from tools.redaction.words import words

_SCHEME = re.compile(r"(?<=[a-zA-Z0-9])://")
_AUTHORITY = re.compile(r"[^\s\"'<>`\\]{1,4096}+")
_OF_DATABASES = re.compile(
    r"(?:postgres(?:ql)?|mysql|mariadb|redis|rediss|valkey|amqps?|mongodb|mssql|sqlserver|oracle|ldaps?"
    r"|clickhouse|cockroachdb|nats|mqtts?|srv|ftp|sftp|smb|asyncpg|psycopg2?|pymysql|pyodbc)$",
    re.IGNORECASE,
)
_PORT = re.compile(r"\d{1,5}(?:[/?#,]|$)")
_GO_DSN = re.compile(r"(?<![\w.\-])[\w.\-]{1,64}+:([^\s\"'@:/]{1,256}+)@(?:tcp|unix)\(")
_ORACLE = re.compile(
    r"(?<=[:\s\"'])[\w$#]{1,64}+/([^\s\"'@/]{1,256}+)@(?://|\(|[\w.\-]{1,253}+[:/]\d)"
)

# What is written where an address is explained.
_EXAMPLES = words(
    """
    password passwd pass pw secret token
    """
)


def find_in_addresses(text: str) -> Iterator[Secret]:
    """The passwords and user tokens in the addresses of `text`."""
    place = 0
    while match := _SCHEME.search(text, place):
        place = match.end()
        found = _AUTHORITY.match(text, place)
        if found is not None:
            is_database = bool(
                _OF_DATABASES.search(text, max(0, match.start() - 16), match.start())
            )
            yield from _in_authority(found[0], place, is_database)
    if "tcp(" in text or "unix(" in text:
        for match in _GO_DSN.finditer(text):
            yield from _unless_stand_in(match[1], match.start(1))
    if "@" in text and "oracle" in text.lower():
        for match in _ORACLE.finditer(text):
            yield from _unless_stand_in(match[1], match.start(1))


def _in_authority(text: str, begin: int, is_database: bool) -> Iterator[Secret]:
    """What is secret before the last `@` that can belong to the host part of `text`."""
    nested = text.find("://")
    if nested >= 0:
        text = text[:nested]
    end = min((place for c in "/?#" if (place := text.find(c)) >= 0), default=len(text))
    at = text.rfind("@", 0, end)
    colon = text.find(":")
    if at < 0 and 0 <= colon < end and not _PORT.match(text, colon + 1):
        # Not escaped as it should be: a password with a slash in it.
        at = text.rfind("@") if is_database else -1
    if at < 0:
        return
    if 0 <= colon < at:
        yield from _unless_stand_in(text[colon + 1 : at], begin + colon + 1)
    elif at >= 16 and "%40" not in text[:at] and looks_random(text[:at]):
        yield Secret(begin, begin + at, unquote(text[:at]))


def _unless_stand_in(value: str, begin: int) -> Iterator[Secret]:
    if value.lower() not in _EXAMPLES and not is_stand_in(value):
        yield Secret(begin, begin + len(value), unquote(value))
