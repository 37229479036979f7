"""`redis-cli info` and tables of `psql` (pg_stat_activity, locks): limits and blocked sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import percent

_INFO = re.compile(r"^([a-z]\w+):(.*)$")
_COUNTED = {
    "rejected_connections": (1, 0.75, "connections were refused because there were too many"),
    "blocked_clients": (50, 0.5, "clients wait in a blocking command"),
    "evicted_keys": (1, 0.45, "keys were thrown out because memory was full"),
}
_STATED = {
    ("master_link_status", "down"): (0.9, "the replica has lost its master"),
    ("rdb_last_bgsave_status", "err"): (0.85, "the last snapshot could not be written"),
    ("aof_last_write_status", "err"): (0.88, "the append-only file cannot be written"),
    ("aof_last_bgrewrite_status", "err"): (0.6, "the append-only file could not be rewritten"),
    ("loading", "1"): (0.7, "it is loading its data and answers nothing else"),
    ("cluster_state", "fail"): (0.92, "the cluster does not serve all its slots"),
}


def read_redis(lines: Sequence[str], now: datetime | None) -> Reading:
    """Limits that Redis has hit, and states that it reports as failed."""
    notes = Notes()
    values: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(lines):
        match = _INFO.match(line)
        if match:
            values[match[1]] = (place, match[2].strip())
            notes.know(place)
    for key, (place, value) in values.items():
        if stated := _STATED.get((key, value)):
            notes.add(place, stated[1], stated[0])
        elif key in _COUNTED and value.isdecimal() and int(value) >= _COUNTED[key][0]:
            notes.add(place, f"{int(value):,} {_COUNTED[key][2]}", _COUNTED[key][1])
    _judge_share("used_memory", "maxmemory", "memory", values, notes)
    _judge_share("connected_clients", "maxclients", "connections", values, notes)
    return notes.reading()


def _judge_share(
    used: str, limit: str, what: str, values: Mapping[str, tuple[int, str]], notes: Notes
) -> None:
    place, number = values.get(used, (0, ""))
    _, most = values.get(limit, (0, ""))
    if not (number.isdecimal() and most.isdecimal() and float(most)):
        return
    if float(number) >= 0.9 * float(most):
        share = percent(float(number), float(most))
        notes.add(place, f"{share} of the {what} that it may use ({limit} {most})", 0.8)


_RULE = re.compile(r"^\s*-+(?:\+-+)+\s*$")
_ROW_COUNT = re.compile(r"^\(\d+ rows?\)")
_IDLE = "idle in transaction"


def read_sessions(lines: Sequence[str], now: datetime | None) -> Reading:
    """Sessions that wait for a lock or sit in an open transaction; replicas that lag."""
    notes = Notes()
    for place, line in enumerate(lines):
        if _RULE.match(line) and place and "|" in lines[place - 1]:
            _judge_table(lines, place, notes)
    return notes.reading()


def _judge_table(lines: Sequence[str], rule: int, notes: Notes) -> None:
    columns = [cell.strip() for cell in lines[rule - 1].split("|")]
    if "state" not in columns and "wait_event_type" not in columns:
        return
    first: int | None = None
    num_idle = 0
    notes.know((rule - 1, rule))
    for place in range(rule + 1, len(lines)):
        cells = [cell.strip() for cell in lines[place].split("|")]
        if len(cells) != len(columns) or _ROW_COUNT.match(lines[place]):
            break
        notes.know(place)
        row = dict(zip(columns, cells, strict=True))
        if row.get("wait_event_type") == "Lock":
            who = f"session {row['pid']}" if "pid" in row else "a session"
            notes.add(place, f"{who} waits for a lock", 0.75, group="waits for a lock")
        elif row.get("state") in (_IDLE, f"{_IDLE} (aborted)"):
            count = row.get("count", "")
            num_idle += int(count) if count.isdecimal() else 1
            first = place if first is None else first
    if first is not None:
        note = f"{num_idle} sessions sit in an open transaction, and keep its locks"
        notes.add(first, note, 0.7 if num_idle >= 5 else 0.5)
