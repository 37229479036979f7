"""The last lines of a service's log, kept before the service is acted on.

A restart may take the only trace of the trouble with it, so the lines are on disk before the act.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tools.services.control import ServiceAction

_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_NAME_CHARS = 80


def save_lines(folder: Path, action: ServiceAction, lines: Sequence[str], at: datetime) -> Path:
    """Write `lines` to a new file in `folder`, for this user only. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    service = _UNSAFE.sub("-", action.service).strip("-.")[:_MAX_NAME_CHARS]
    path = folder / f"{at:%Y%m%dT%H%M%S.%fZ}-{action.backend}-{service}.log"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    return path
