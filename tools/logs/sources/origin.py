"""`LogOrigin`: where logs live that are not files yet, and what fetching them comes to.

A live origin is spooled: what it holds for a window of time is copied, within limits, into files of
a folder that the caller gives and removes. Everything after that works on files and never asks
where a log came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.logs.sources.watch import FetchLimits, FetchWatch
from tools.scope import LogSource
from tools.window import Window


@dataclass(frozen=True, slots=True)
class Fetched:
    """One log as files, and what is missing from it. A log without lines is one empty file."""

    source: LogSource
    lines: int
    size_bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Haul:
    """All logs of one fetch, by name. `notes` say what was left out altogether, and why."""

    logs: tuple[Fetched, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """Whether an origin answers, in words for a person."""

    is_ok: bool
    words: str


class LogOrigin(Protocol):
    """A system that keeps logs of its own. It is only ever read."""

    @property
    def name(self) -> str:
        """Begins the names of its logs: `journal`."""
        ...

    def fetch(
        self, window: Window, folder: Path, limits: FetchLimits, watch: FetchWatch | None = None
    ) -> Haul:
        """The logs of `window` as files in `folder`, the newest part of what exceeds the limits.

        `folder` belongs to this call alone. Returns within about the time limit, and soon after
        `watch` is cancelled, with what has come by then. Raises BackendUnavailable when nothing
        can be read at all, and OSError when `folder` cannot be written; one unreadable log among
        several is a note.
        """
        ...

    def check(self) -> Check:
        """Whether the origin can be read now; takes some seconds at most and never raises."""
        ...
