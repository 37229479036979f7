"""The limits of the control group that this process runs in: a container's or a service's.

A process in a container sees the whole machine's processors and memory; what it may use of them
stands in its control group and in the groups above it. Both versions are read, and a limit that
cannot be read is taken for none.
Formats: proc_pid_mountinfo(5), cgroups(7), and the kernel's documentation of cgroup v1 and v2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Version 1 has no word for "no limit": it gives the largest number of pages.
_NO_LIMIT_BYTES = 1 << 60
# Version 2 has one hierarchy for all controllers; the kernel writes it as one without a name.
_VERSION_2 = ""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A group that may use `limit_bytes`; `available_bytes` of them are free or can be freed."""

    limit_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """What a process may use: processors (1.5 is one and a half) and memory. None: no limit."""

    cpus: float | None = None
    memory: MemoryLimit | None = None


def read_limits(root: Path = Path("/")) -> GroupLimits:
    """The tightest limits that hold for this process; `root` is where /proc and /sys are."""
    cpus = filter(None, map(_cpus, _groups(root, "cpu")))
    memory = filter(None, map(_memory, _groups(root, "memory")))
    return GroupLimits(
        cpus=min(cpus, default=None),
        memory=min(memory, key=lambda limit: limit.available_bytes, default=None),
    )


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's groups for `controller` in both versions, with parents."""
    paths = _own_paths(_lines(root / "proc/self/cgroup"))
    for mount in _mounts(_lines(root / "proc/self/mountinfo")):
        for name in {controller, _VERSION_2} & set(mount.controllers) & paths.keys():
            point = root / mount.point.relative_to("/")
            folder = _folder_in(point, mount.root, paths[name])
            yield folder
            yield from (parent for parent in folder.parents if parent.is_relative_to(point))


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy: `root` of it is seen at `point`."""

    point: PurePosixPath
    root: PurePosixPath
    controllers: Sequence[str]


def _mounts(lines: Sequence[str]) -> Iterator[_Mount]:
    for line in lines:
        before, _, after = line.partition(" - ")
        places, kind = before.split(), after.split()
        if len(places) < 5 or len(kind) < 3:
            continue
        point, root = PurePosixPath(places[4]), PurePosixPath(places[3])
        if kind[0] == "cgroup2":
            yield _Mount(point, root, [_VERSION_2])
        elif kind[0] == "cgroup":
            yield _Mount(point, root, kind[2].split(","))


def _own_paths(lines: Sequence[str]) -> Mapping[str, PurePosixPath]:
    """This process's path in the hierarchy of each controller."""
    paths: dict[str, PurePosixPath] = {}
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths |= {controller: PurePosixPath(path) for controller in controllers.split(",")}
    return paths


def _folder_in(point: Path, root: PurePosixPath, path: PurePosixPath) -> Path:
    """Where `path` is seen; in a container it may lie outside of what is mounted."""
    if path.is_relative_to(root) and ".." not in path.parts:
        folder = point / path.relative_to(root)
        if folder.is_dir():
            return folder
    return point


def _cpus(group: Path) -> float | None:
    """Processors' worth of time in each period."""
    quota, _, period = _text(group / "cpu.max").partition(" ")
    if not period:
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
    if not (quota.isdigit() and period.isdigit()):
        return None
    return int(quota) / max(1, int(period))


def _memory(group: Path) -> MemoryLimit | None:
    limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
    if limit is None or limit >= _NO_LIMIT_BYTES:
        return None
    used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes") or 0
    return MemoryLimit(limit, max(0, limit - max(0, used - _droppable(group))))


def _droppable(group: Path) -> int:
    """File pages that have not been used lately: they count as used, and go when room is needed."""
    facts = dict(line.partition(" ")[::2] for line in _lines(group / "memory.stat"))
    text = facts.get("total_inactive_file") or facts.get("inactive_file", "")
    return int(text) if text.isdigit() else 0


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    return "\n".join(_lines(path))


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
