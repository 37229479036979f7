"""The log files of services as named log sources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tools.scope import LogSource, ServiceState


def log_sources_of(states: Iterable[ServiceState]) -> dict[str, LogSource]:
    """One source per service that has log files, under the service's name.

    A file comes after its own rotated predecessors (`x.log.2`, `x.log.1`, `x.log`). Paths that are
    not regular files (`/dev/stdout`, `syslog`, one not written yet) are left out.
    """
    sources = {}
    for state in states:
        paths = tuple(path for log in state.log_paths for path in _oldest_first(log))
        if paths:
            sources[state.name] = LogSource(state.name, paths)
    return sources


def _oldest_first(log: Path) -> list[Path]:
    if not log.parent.is_dir():
        return []
    rotated = re.compile(re.escape(log.name) + r"\.(\d+)(?:\.(?:gz|zst))?")
    numbered = [
        (int(match[1]), path)
        for path in log.parent.iterdir()
        if (match := rotated.fullmatch(path.name)) and path.is_file()
    ]
    older = [path for _, path in sorted(numbered, reverse=True)]
    return [*older, log] if log.is_file() else older
