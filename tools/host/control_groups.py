"""The control groups of a process: where the kernel shows them, in both versions.

What a container or a service may use stands in its group and in the groups above it.
Formats: proc_pid_mountinfo(5), cgroups(7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Version 2 has one hierarchy for all controllers; the kernel writes it as one without a name.
_VERSION_2 = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group: its `folder` under the root, and its `name` within what is mounted."""

    folder: Path
    name: str


def groups_of(root: Path, controller: str, process: str = "self") -> Iterator[Group]:
    """The groups of `process` (a pid) for `controller`, innermost first, with those above."""
    paths = _own_paths(_lines(root / f"proc/{process}/cgroup"))
    for mount in _mounts(_lines(root / "proc/self/mountinfo")):
        for name in {controller, _VERSION_2} & set(mount.controllers) & paths.keys():
            point = root / mount.point.relative_to("/")
            folder = _folder_in(point, mount.root, paths[name])
            for group in (folder, *folder.parents):
                if group.is_relative_to(point):
                    yield Group(group, str(PurePosixPath("/", group.relative_to(point))))


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
    """The process's path in the hierarchy of each controller."""
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


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
