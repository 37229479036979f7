"""`Timeline`: what came first, across all sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAX_EVENTS = 8
_MAX_WHAT_CHARS = 120


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """The onset of one finding; `what` is the start of its message, or what happened to it."""

    time: datetime
    source: str
    what: str
    finding_id: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The onsets of the suspicious findings and what led to them, in the order of time."""

    events: tuple[TimelineEvent, ...]

    @classmethod
    def of(cls, events: Iterable[TimelineEvent]) -> Timeline | None:
        """The first MAX_EVENTS of the events, which come with the most important first."""
        chosen = list(events)[:MAX_EVENTS]
        return cls(tuple(sorted(chosen, key=lambda event: event.time))) if chosen else None


def shortened(text: str, max_chars: int = _MAX_WHAT_CHARS) -> str:
    """Enough of a line to recognise it."""
    return text if len(text) <= max_chars else f"{text[:max_chars]}…"
