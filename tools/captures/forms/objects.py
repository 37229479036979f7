"""Objects of Kubernetes as YAML or JSON (`kubectl get -o yaml`) and `docker inspect`.

Read line by line, so that an object that is cut off in the middle still says something: conditions,
the states of containers, exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.forms.kube_tables import exit_meaning
from tools.captures.observation import Notes, Reading

_ENTRY = re.compile(r"^\s*(?P<dash>- )?\"?(?P<key>[A-Za-z]\w*)\"?\s*:\s*\"?(?P<value>[^\s\"].*)?")
_BAD_WHEN_TRUE = re.compile(
    r"Pressure$|Unavailable$|^ReplicaFailure$|^Failed$|^FailureTarget$|^Stalled$|^Degraded$|Error$"
)
_CONDITION_KEYS = frozenset(
    ("type", "status", "reason", "message", "lastTransitionTime", "lastUpdateTime", "lastProbeTime")
)
_WAITING = re.compile(r"BackOff|Err|Error|Invalid|Cannot")
_MAX_LINES = 8


def read_objects(lines: Sequence[str], now: datetime | None) -> Reading:
    """Conditions that are wrong, containers that wait or ended badly."""
    notes = Notes()
    place = 0
    while place < len(lines):
        match = _ENTRY.match(lines[place])
        if match and match["key"] in _CONDITION_KEYS:
            place = _judge_block(lines, place, notes)
            continue
        if match and match["key"] in ("waiting", "terminated"):
            place = _judge_state(lines, place, match, notes)
            continue
        if match:
            _judge_inspected(place, match, notes)
        place += 1
    return notes.reading()


def _judge_block(lines: Sequence[str], place: int, notes: Notes) -> int:
    """Judge the entries that follow one another as a condition; return the position behind."""
    start, entries = place, {}
    width = _width(lines[place])
    while place < len(lines) and (match := _ENTRY.match(lines[place])):
        if match["key"] not in _CONDITION_KEYS or _width(lines[place]) != width:
            break
        if place > start and match["dash"]:
            break
        entries[match["key"]] = _value(match)
        place += 1
    place = max(place, start + 1)
    kind, status = entries.get("type"), entries.get("status")
    if kind is None or status not in ("True", "False", "Unknown"):
        return place
    notes.know(range(start, place))
    is_bad = status == "Unknown" or (status == "True") == bool(_BAD_WHEN_TRUE.search(kind))
    if is_bad:
        has_message = bool(entries.get("message"))
        suspicion = 0.85 if has_message and kind != "ContainersReady" else 0.45
        if kind in ("Ready", "ContainersReady") and "unready status" in entries.get("message", ""):
            suspicion = 0.45
        notes.add(
            start, f"condition {kind} is {status}", suspicion, end=min(place, start + _MAX_LINES)
        )
    return place


def _judge_state(lines: Sequence[str], place: int, match: re.Match[str], notes: Notes) -> int:
    start = place
    width = _width(lines[place])
    entries: dict[str, str] = {}
    place += 1
    while place < len(lines) and _width(lines[place]) > width:
        entry = _ENTRY.match(lines[place])
        if entry:
            entries[entry["key"]] = _value(entry)
        place += 1
    end = min(place, start + _MAX_LINES)
    reason, code = entries.get("reason", ""), entries.get("exitCode", "0")
    if match["key"] == "waiting" and reason:
        is_bad = bool(_WAITING.search(reason))
        suspicion = 0.82 if is_bad and "CrashLoop" not in reason else 0.72 if is_bad else 0.3
        notes.add(start, f"a container waits: {reason}", suspicion, end=end)
    elif match["key"] == "terminated" and (reason == "OOMKilled" or code not in ("0", "")):
        suspicion = 0.95 if reason == "OOMKilled" else 0.7
        meaning = exit_meaning(int(code)) if code.isdecimal() else code
        notes.add(start, f"a container ended: {reason}, {meaning}", suspicion, end=end)
    return place


def _judge_inspected(place: int, match: re.Match[str], notes: Notes) -> None:
    """The entries of `docker inspect` that say how a container ended."""
    key, value = match["key"], _value(match)
    if key == "OOMKilled" and value == "true":
        notes.add(place, "the container used more memory than its limit", 0.95)
    elif key == "ExitCode" and value.isdecimal() and value != "0":
        notes.add(place, f"the container ended: {exit_meaning(int(value))}", 0.7)
    elif key == "Status" and value == "unhealthy":
        notes.add(place, "the container fails its health check", 0.75)
    elif key == "Restarting" and value == "true":
        notes.add(place, "the container ends again and again and is restarted", 0.75)
    elif key in ("phase", "Phase") and value in ("Failed", "Pending", "Lost"):
        notes.add(place, f"its phase is {value}", 0.6)


def _width(line: str) -> int:
    """The indentation of an entry, that of a list's dash included."""
    stripped = line.lstrip(" ")
    return len(line) - len(stripped) + (2 if stripped.startswith("- ") else 0)


def _value(entry: re.Match[str]) -> str:
    return (entry["value"] or "").rstrip(' ",}]')
