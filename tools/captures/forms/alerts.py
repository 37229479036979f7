"""Alerts as Alertmanager, Prometheus, Grafana, Datadog and the like print them.

An alert says what was noticed and since when; the cause stands elsewhere, so an alert ranks below
what shows one and above what shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import time_of

_ENTRY = re.compile(r"^\W*(?P<key>[A-Za-z]\w*)\"?\s*[:=]\s*\"?(?P<value>[^\"\s{\[].*)$")
_TEXT_KEYS = frozenset(("description", "summary", "message", "body", "text"))
_TITLE_KEYS = frozenset(("title", "alertname", "rulename"))
_START_KEYS = frozenset(("startsat", "starts_at", "activeat", "active_at", "triggered_at"))
_QUIET = frozenset(("resolved", "inactive", "normal", "suppressed", "pending"))
_LATE_KEYS = frozenset(("status", "state"))
_MIN_TEXT_CHARS = 20
_REPEATS = re.compile(r"^\W*(?:presentation_\w+|\w*url|definition)\"?\s*:", re.IGNORECASE)
# Longer ones hold the whole alert once more.
_MAX_TEXT_CHARS = 1000


def read_alerts(lines: Sequence[str], now: datetime | None) -> Reading:
    """The texts and the begin of the alerts that fire."""
    notes = Notes()
    is_quiet = False
    for place, line in enumerate(lines):
        if _REPEATS.match(line):
            notes.know(place)
            continue
        match = _ENTRY.match(line) if len(line) < _MAX_TEXT_CHARS else None
        if match is None:
            continue
        key, value = match["key"].lower(), match["value"].rstrip(' ",}]')
        if key in _LATE_KEYS:
            is_quiet = value.lower() in _QUIET
            notes.know(place)
        elif not is_quiet:
            _judge(key, value, place, notes)
    return notes.reading()


def _judge(key: str, value: str, place: int, notes: Notes) -> None:
    if key in _START_KEYS and (started := time_of(value)):
        notes.add(place, f"the alert began at {started:%Y-%m-%d %H:%M %Z}", 0.55)
    elif key in _TEXT_KEYS and len(value) >= _MIN_TEXT_CHARS and "{{" not in value:
        notes.add(place, "what the alert says", 0.58 if key == "description" else 0.48)
    elif key in _TITLE_KEYS:
        notes.add(place, "the alert's name", 0.3)
    elif key == "severity":
        notes.know(place)
