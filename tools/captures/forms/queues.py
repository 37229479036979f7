"""`kafka-consumer-groups --describe` and `rabbitmqctl list_queues`: what piles up unread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading

_HEADER = re.compile(
    r"^(?:GROUP\s+TOPIC\s.*\bLAG\b|.*\bmessages\b.*\bconsumers\b|.*\bconsumers\s+mess)"
)
_MUCH = 10_000


def read_queues(lines: Sequence[str], now: datetime | None) -> Reading:
    """Partitions and queues that nobody reads, or that grow far ahead of their readers."""
    notes = Notes()
    columns: list[str] = []
    for place, line in enumerate(lines):
        cells = line.split()
        if _HEADER.match(line):
            columns = [cell.upper() for cell in cells]
            notes.know(place)
        elif columns and len(cells) == len(columns):
            notes.know(place)
            _judge(dict(zip(columns, cells, strict=True)), place, notes)
        else:
            columns = []
    return notes.reading()


def _judge(row: Mapping[str, str], place: int, notes: Notes) -> None:
    waiting = row.get("LAG", row.get("MESSAGES", ""))
    count = int(waiting) if waiting.isdecimal() else 0
    name = row.get("TOPIC", row.get("NAME", "the queue"))
    is_unread = row.get("CONSUMER-ID") == "-" or row.get("CONSUMERS") == "0"
    if count and is_unread:
        notes.add(place, f"nobody reads {name}: {count:,} messages wait", 0.8)
    elif count >= _MUCH:
        notes.add(place, f"{count:,} messages of {name} wait to be read", 0.6)
