"""How the shop's programs write their logs: whole lines, at once, whichever thread writes."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from typing import TextIO

_lock = threading.Lock()


def write(line: str, stream: TextIO | None = None) -> None:
    """Write `line` to `stream`, standard output by default, and flush it."""
    target = stream or sys.stdout
    with _lock:
        target.write(f"{line}\n")
        target.flush()


def now_iso() -> str:
    """The time as `2026-11-20T03:12:05.123Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
