"""`ControlGroup`: a bound on the memory and the number of all processes of a sandbox together.

The kernel keeps it exactly, and counts what files in memory hold too. It can be had by root, and by
an ordinary user in a session whose groups systemd has delegated; everywhere else there is none, and
`watch` has to do. Both versions of the kernel's interface are known (cgroups(7)).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox.program import Limits

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
# The first process inside is bubblewrap's, and one more is there while a program starts.
_OUR_PROCESSES = 2
_REMOVAL_S = 2.0
_RETRY_S = 0.01


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """One group in the unified hierarchy, or one each in those of memory and pids (version 1)."""

    folders: tuple[Path, ...]

    def add(self, process: int) -> bool:
        """Put a process and its later children under the bounds; whether that was allowed."""
        try:
            for folder in self.folders:
                (folder / "cgroup.procs").write_text(str(process))
        except OSError:
            return False
        return True

    def is_exceeded(self) -> bool:
        """Whether the kernel has killed a process of the group for want of memory."""
        return any(_num_killed(folder) > 0 for folder in self.folders)


@contextlib.contextmanager
def control_group(
    limits: Limits, root: Path = _ROOT, own: Path = _OWN
) -> Iterator[ControlGroup | None]:
    """A group with these bounds, empty and below our own or above it; None where none is to be had.

    `root` is where the hierarchies are mounted, `own` the file that says which groups are ours.
    """
    name = f"midwatch-{os.getpid()}-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as made:
        try:
            parents = _parents(root, _own_paths(own))
            folders = [_make(parent / name, made) for parent in parents]
            for folder in folders:
                _bound(folder, limits)
        except OSError:
            folders = []
        yield ControlGroup(tuple(folders)) if folders else None


def _own_paths(own: Path) -> dict[str, str]:
    """Our group by controller; that of the unified hierarchy by the empty name."""
    lines = (line.split(":", 2) for line in own.read_text().splitlines())
    return {controller: path for _, names, path in lines for controller in names.split(",")}


def _parents(root: Path, paths: dict[str, str]) -> list[Path]:
    """The groups that ours can be made in: one, or one for memory and one for pids."""
    if (root / "cgroup.controllers").exists():
        return [_parent(root, paths.get("", ""), _hands_down_both)]
    return [_parent(root / name, paths.get(name, ""), Path.is_dir) for name in ("memory", "pids")]


def _parent(top: Path, path: str, is_fit: Callable[[Path], bool]) -> Path:
    """The nearest group, ours or one above it, in which we may make one and use it."""
    own = top / path.lstrip("/")
    for group in (own, *own.parents):
        if group.is_relative_to(top) and is_fit(group) and _is_ours(group):
            return group
    raise FileNotFoundError(top)


def _hands_down_both(group: Path) -> bool:
    control = group / "cgroup.subtree_control"
    return control.exists() and {"memory", "pids"} <= set(control.read_text().split())


def _is_ours(group: Path) -> bool:
    return os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)


def _make(folder: Path, made: contextlib.ExitStack) -> Path:
    folder.mkdir()
    made.callback(_remove, folder)
    return folder


def _bound(folder: Path, limits: Limits) -> None:
    memory = str(limits.memory_bytes)
    bounds = {
        "memory.max": memory,
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "memory.limit_in_bytes": memory,
        "memory.memsw.limit_in_bytes": memory,
        "pids.max": str(limits.processes + _OUR_PROCESSES),
    }
    for name, value in bounds.items():
        if (folder / name).exists():
            (folder / name).write_text(value)


def _num_killed(folder: Path) -> int:
    """The number of processes killed for want of memory, as either version of the kernel has it."""
    for name in ("memory.events", "memory.oom_control"):
        with contextlib.suppress(FileNotFoundError):
            lines = (folder / name).read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


def _remove(folder: Path) -> None:
    """Remove a group; the kernel may take a moment to find it empty."""
    deadline = time.monotonic() + _REMOVAL_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(_RETRY_S)
