"""Access logs: one line for each request, with a status that stands for a level.

The common and combined formats of nginx and Apache, HAProxy, Envoy and AWS load balancers. The
message is the request, the status and what the proxy adds about its failure.
"""

from __future__ import annotations

import re

from tools.logs.formats.form import DIGITS, LETTERS, Form, Reader, Record, Span, first_seen, form
from tools.logs.levels import Level, http_level
from tools.logs.stamps import MONTH, MONTHS, clock_time, parse_time

_REQUEST = r'"(?P<request>(?:[^"\\]|\\.)*+)"'
_DATE = rf"\d\d/(?:{MONTH})/\d{{4}}"
# The first letter of how a session ended: aborted by the server, refused, out of resources, a bug.
_FAILED_SESSION = frozenset("SRI")
_ABORTED_SESSION = frozenset("CPcs")


def _record(
    reader: Reader, match: re.Match[str], level: Level | None, message: str, **fields: object
) -> Record:
    stamp = match.span("stamp")
    time = parse_time(match["stamp"], reader.zone)
    coded: Span | None = match.span("status") if level is not None else None
    return Record(time, level, message, "", fields, first_seen(time, stamp), coded)


def _from_common(reader: Reader, match: re.Match[str]) -> Record | None:
    client, day, month, year, clock, zone, request, digits = match.groups()
    status = int(digits)
    time = clock_time(f"{year}-{MONTHS[month]}-{day}", clock, reader.zone, zone)
    stamp = first_seen(time, (match.start(2), match.end(6) if zone else match.end(5)))
    fields = {"client_ip": client, "status": status}
    message = f"{request} {digits}"
    return Record(time, http_level(status), message, "", fields, stamp, match.span(8))


def _from_envoy(reader: Reader, match: re.Match[str]) -> Record | None:
    status, flags, details = int(match["status"]), match["flags"], match["details"]
    parts = [
        match["request"],
        match["status"],
        *(part for part in (flags, details) if part and part != "-"),
    ]
    level = Level.ERROR if status == 0 and flags != "-" else http_level(status)
    return _record(reader, match, level, " ".join(parts), status=status, flags=flags)


def _from_balancer(reader: Reader, match: re.Match[str]) -> Record | None:
    status = int(match["status"])
    return _record(
        reader, match, http_level(status), f"{match['request']} {status} {match['target']}",
        client_ip=match["client"], status=status, target=match["address"], balancer=match["name"],
    )  # fmt: skip


def _from_haproxy(reader: Reader, match: re.Match[str]) -> Record | None:
    status = int(match["status"])
    end, route = match["end"], f"{match['frontend']} {match['backend']}"
    level = max(http_level(status) or Level.WARN, _session_level(end))
    message = f"{match['request']} {status} {end} {route}"
    return _record(
        reader, match, level, message,
        client_ip=match["client"], status=status, termination_state=end, backend=match["backend"],
    )  # fmt: skip


def _from_haproxy_tcp(reader: Reader, match: re.Match[str]) -> Record | None:
    end = match["end"]
    record = _record(
        reader, match, None, f"{match['frontend']} {match['backend']} {end}",
        client_ip=match["client"], termination_state=end, backend=match["backend"],
    )  # fmt: skip
    return record._replace(level=_session_level(end))


def _session_level(end: str) -> Level:
    """The level of HAProxy's termination state: who ended the session, and in which phase."""
    if end[0] in _FAILED_SESSION:
        return Level.ERROR
    return Level.WARN if end[0] in _ABORTED_SESSION else Level.INFO


_HAPROXY = (
    rf"(?P<client>[\w.:]+):\d+ \[(?P<stamp>{_DATE}:\d\d:\d\d:\d\d\.\d+)\] (?P<frontend>\S+)"
    r" (?P<backend>\S+) "
)
_COMMON = (
    rf" \S{{1,255}}+ \S{{1,255}}+ \[(\d\d)/({MONTH})/(\d{{4}})[: ](\d\d:\d\d:\d\d)"
    r'( [+-]\d{4})?\] "((?:[^"\\]|\\.)*+)" (\d{3})\b'
)
_CLIENT_STARTS = f"{DIGITS}{LETTERS}:-["
ACCESS: tuple[Form, ...] = (
    form(_CLIENT_STARTS, rf"(\S{{1,255}}+){_COMMON}", _from_common),
    form(_CLIENT_STARTS, rf"\S{{1,255}}+ (\S{{1,255}}+){_COMMON}", _from_common),
    form(_CLIENT_STARTS, rf"([\w.:]{{1,64}}(?:, [\w.:]{{1,64}}){{1,9}}){_COMMON}", _from_common),
    form(
        DIGITS + LETTERS + ":",
        rf"{_HAPROXY}[\d/+-]+ (?P<status>\d{{3}}|-1) \+?\d+ \S+ \S+ (?P<end>\S{{4}}) "
        rf'[\d/+]+ [\d/]+ (?:\{{[^}}]{{0,500}}\}} ){{0,2}}"(?P<request>(?:[^"\\]|\\.)*+)',
        _from_haproxy,
    ),
    form(
        DIGITS + LETTERS + ":",
        rf"{_HAPROXY}[\d/+-]+ \+?\d+ (?P<end>[\w-]{{2}}) [\d/+]+ [\d/]+",
        _from_haproxy_tcp,
    ),
)
# Before the formats of a date alone.
PROXIED: tuple[Form, ...] = (
    form(
        "[",
        r"\[(?P<stamp>\d{4}-\d\d-\d\dT[\d:.]{8,24}Z)\] "
        rf"{_REQUEST} (?P<status>\d{{1,3}}) (?P<flags>\S+)"
        r'(?: (?P<details>[\w{:,|./-]\S*) \S+ "(?:[^"\\]|\\.)*")?',
        _from_envoy,
    ),
    form(
        LETTERS,
        r"(?:https?|h2|grpcs|wss?) (?P<stamp>\d{4}-\d\d-\d\dT[\d:.]{8,24}Z) (?P<name>[\w./-]+)"
        r" (?P<client>[\w.:]+):\d+ (?P<address>\S+) [\d.-]+ [\d.-]+ [\d.-]+"
        r" (?P<status>\d{3}) (?P<target>\d{3}|-) \d+ \d+ "
        rf"{_REQUEST}",
        _from_balancer,
    ),
)
