"""`dig`, `nslookup`, `curl`, `ip a`, `nginx -t`: names that do not resolve, servers that refuse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading

_BEGINNINGS = (";; ", "** ", "< HTTP", "HTTP/", "nginx: ", *"123456789")
_DIG = re.compile(r"^;; ->>HEADER<<- .*status: (\w+)")
_DIG_SILENT = re.compile(
    r"^;; (?:connection timed out|no servers could be reached|communications error)"
)
_NSLOOKUP = re.compile(r"^\*\* server can't find (\S+?):? (\w+)")
_HTTP = re.compile(r"^(?:< )?HTTP/[\d.]+ (\d{3})\b ?(.*)$")
_CURL = re.compile(r"curl: \((\d+)\) (.+)$")
_LINK = re.compile(r"^\d+: (?P<name>[\w.@-]+): <(?P<flags>[^>]*)>.*state (?P<state>\w+)")
_NGINX = re.compile(r"^nginx: \[(emerg|alert|crit)\] (.+)$")
_VIRTUAL = re.compile(r"^(?:lo|docker\d|br-|virbr|veth|cni|flannel|tun|wg|dummy|tunl|sit|ip6tnl)")
_ANSWERS = {
    "NXDOMAIN": "the name does not exist",
    "SERVFAIL": "the name server could not answer",
    "REFUSED": "the name server refuses to answer",
}
_CURL_CODES = {
    "6": "the name does not resolve",
    "7": "nobody accepts the connection",
    "28": "no answer within the time limit",
    "35": "the encrypted connection could not be set up",
    "52": "the server closed the connection without an answer",
    "56": "the connection broke",
    "60": "the certificate is not trusted or not valid",
}


def read_network(lines: Sequence[str], now: datetime | None) -> Reading:
    """Answers that are errors, and network links without a carrier."""
    notes = Notes()
    for place, line in enumerate(lines):
        if not line.startswith(_BEGINNINGS) and "curl: (" not in line:
            continue
        if match := _DIG.match(line):
            notes.know(place)
            if match[1] in _ANSWERS:
                notes.add(place, _ANSWERS[match[1]], 0.8)
        elif _DIG_SILENT.match(line):
            notes.add(place, "no name server answers", 0.85)
        elif match := _NSLOOKUP.match(line):
            notes.add(place, _ANSWERS.get(match[2], f"no address for {match[1]}"), 0.8)
        elif match := _CURL.search(line):
            notes.add(place, _CURL_CODES.get(match[1], f"curl ended with error {match[1]}"), 0.85)
        elif match := _HTTP.match(line):
            _judge_answer(int(match[1]), place, notes)
        elif match := _LINK.match(line):
            _judge_link(match, place, notes)
        elif _NGINX.match(line):
            notes.add(place, "nginx does not accept its configuration", 0.9)
    return notes.reading()


def _judge_answer(code: int, place: int, notes: Notes) -> None:
    notes.know(place)
    if code >= 500:
        notes.add(place, f"the server answers with error {code}", 0.75)
    elif code in (401, 403, 404, 407, 429):
        notes.add(place, f"the server refuses with {code}", 0.5)


def _judge_link(match: re.Match[str], place: int, notes: Notes) -> None:
    notes.know(place)
    name, flags = match["name"], match["flags"].split(",")
    if _VIRTUAL.match(name):
        return
    if "NO-CARRIER" in flags:
        notes.add(place, f"network link {name} has no carrier: cable or switch", 0.5)
    elif "UP" in flags and match["state"] == "DOWN":
        notes.add(place, f"network link {name} is down", 0.6)
