"""`ss -s`, `ss -tan` and `netstat`: connections that pile up and queues that are full."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading

_SUMMARY = re.compile(r"^TCP:\s+(\d+) \((.*)\)")
_COUNT = re.compile(r"(\w+) (\d+)(?:/\d+)?")
# An address can hold about this many connections to one place before its ports are spent.
_MANY_TIME_WAIT = 20_000
_STATES = {
    "SYN-SENT": (5, 0.7, "nobody answers at the other end, or a firewall drops it"),
    "SYN-RECV": (200, 0.6, "more connections arrive than are accepted, or a SYN flood"),
    "CLOSE-WAIT": (50, 0.65, "the program here does not close what the other end has closed"),
    "TIME-WAIT": (_MANY_TIME_WAIT, 0.7, "free ports run out when each request opens a connection"),
    "FIN-WAIT-1": (500, 0.5, "the other end has vanished"),
}
_ROW = re.compile(
    r"^(?:tcp[46]?\s+)?(?P<state>ESTAB|LISTEN|[A-Z]+(?:-[A-Z0-9]+)+)\s+(?P<recv>\d+)\s+"
    r"(?P<send>\d+)\s+(?P<local>\S+)\s+(?P<peer>\S+)"
)
_NETSTAT = re.compile(
    r"^tcp6?\s+(?P<recv>\d+)\s+(?P<send>\d+)\s+(?P<local>\S+)\s+(?P<peer>\S+)\s+"
    r"(?P<state>[A-Z_]+\d?)\b"
)
_NETSTAT_STATES = {"ESTABLISHED": "ESTAB", "SYN_RECV": "SYN-RECV", "FIN_WAIT1": "FIN-WAIT-1"}


def read_socket_summary(lines: Sequence[str], now: datetime | None) -> Reading:
    """Counts in `ss -s` that no healthy host has."""
    notes = Notes()
    for place, line in enumerate(lines):
        match = _SUMMARY.match(line)
        if match is None:
            continue
        notes.know(place)
        counts = {name: int(count) for name, count in _COUNT.findall(match[2])}
        waiting, orphaned = counts.get("timewait", 0), counts.get("orphaned", 0)
        if waiting >= _MANY_TIME_WAIT:
            note = f"{waiting:,} connections in TIME-WAIT: {_STATES['TIME-WAIT'][2]}"
            notes.add(place, note, 0.7)
        elif orphaned >= 1000:
            note = f"{orphaned:,} orphaned connections: programs ended without closing them"
            notes.add(place, note, 0.6)
    return notes.reading()


def read_sockets(lines: Sequence[str], now: datetime | None) -> Reading:
    """Listeners whose queue is full, and states that many connections are stuck in."""
    notes = Notes()
    stuck: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, line in enumerate(lines):
        match = _ROW.match(line) or _NETSTAT.match(line)
        if match is None:
            continue
        notes.know(place)
        name = match["state"]
        state = _NETSTAT_STATES.get(name, name.replace("_", "-"))
        if state == "LISTEN":
            if match.re is _ROW:
                _judge_listener(match, place, notes)
        elif state in _STATES:
            peer = match["local" if state == "SYN-RECV" else "peer"]
            stuck[state].append((place, peer))
    for state, rows in stuck.items():
        _judge_state(state, rows, notes)
    return notes.reading()


def _judge_listener(match: re.Match[str], place: int, notes: Notes) -> None:
    waiting, room = int(match["recv"]), int(match["send"])
    if room and waiting >= room:
        note = (
            f"{waiting:,} connections wait to be accepted at {match['local']}, which has room for "
            f"{room:,}: the program does not keep up, and new connections are dropped"
        )
        notes.add(place, note, 0.9)


def _judge_state(state: str, rows: Sequence[tuple[int, str]], notes: Notes) -> None:
    least, suspicion, meaning = _STATES[state]
    if len(rows) >= least:
        peer, count = Counter(peer for _, peer in rows).most_common(1)[0]
        place = next(place for place, other in rows if other == peer)
        note = f"{len(rows):,} connections in {state} ({count:,} with {peer}): {meaning}"
        notes.add(place, note, suspicion)
