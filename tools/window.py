"""Time windows: the half-open range of time that a question is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.errors import InvalidQuery

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Window:
    """Times t with `start <= t < end` (aware, UTC); None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        after = self.start is None or moment >= self.start
        return after and (self.end is None or moment < self.end)


EVERYTHING = Window()


def window_since(now: datetime, since: str) -> Window:
    """The time since `since` (`30m`) before `now`; everything when it is empty.

    Open at the end: the newest line of a bundle carries the very time that is "now". Raises
    InvalidQuery.
    """
    return Window(now - parse_duration(since)) if since else EVERYTHING


def baseline_before(window: Window, length: str) -> Window | None:
    """The time of `length` (`2h`) before `window`; None without a length or a start.

    Raises InvalidQuery.
    """
    if not length or window.start is None:
        return None
    return Window(window.start - parse_duration(length), window.start)


def parse_duration(text: str) -> timedelta:
    """`30m`, `2h`, `1d12h` as a timedelta. Raises InvalidQuery on anything else."""
    parts = re.findall(r"(\d+)([smhdw])", text.strip().lower())
    if not parts or "".join(n + u for n, u in parts) != text.strip().lower():
        raise InvalidQuery(
            f"{text!r} is not a duration", "write a number and a unit: 90s, 30m, 2h, 1d, 1d12h"
        )
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))
