"""The container that this process runs in: the one that it must never stop.

Read from what the kernel shows of the process itself, because no engine can tell who is asking.
"""

from __future__ import annotations

import re
from pathlib import Path

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Engines put these files into each container, from a folder that is named after it.
_MOUNTED = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")


def own_container_ids(process: Path = Path("/proc/self")) -> frozenset[str]:
    """The full ids of the containers around this process; empty when it runs in none.

    They stand in the control groups (version 1, or the host's view) and in the mounts of the
    engine's own files (see cgroups(7) and proc_pid_mountinfo(5)).
    """
    groups = _text(process / "cgroup")
    mounts = _text(process / "mountinfo").splitlines()
    sources = [fields[3] for fields in map(str.split, mounts) if _is_engines(fields)]
    return frozenset(_ID.findall("\n".join([groups, *sources])))


def _is_engines(fields: list[str]) -> bool:
    return len(fields) > 4 and fields[4] in _MOUNTED


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
