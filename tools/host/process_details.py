"""One process in detail, through psutil. What this user may not know is None.

Environment variables are never read: that is where programs keep their secrets.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import psutil

_PID = re.compile(r"[0-9]{1,9}")
_INTERPRETERS = ("python", "node", "java", "ruby", "perl", "php", "bash", "sh")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ProcessDetails:
    """A process at one moment, `cpu_percent` of one processor over the time since the first look.

    `listening` are its TCP and UDP ports (`0.0.0.0:80`), `connections` the numbers of its TCP
    connections by state.
    """

    pid: int
    name: str
    status: str
    user: str | None = None
    started_at: datetime | None = None
    resident_bytes: int | None = None
    num_threads: int | None = None
    cpu_percent: float = 0.0
    num_open_files: int | None = None
    max_open_files: int | None = None
    arguments: Sequence[str] | None = None
    working_dir: str | None = None
    parent: str = ""
    children: Sequence[str] = ()
    num_zombie_children: int = 0
    listening: Sequence[str] | None = None
    connections: Mapping[str, int] = field(default_factory=dict)


def find_pids(name: str) -> list[int]:
    """The processes that `name` names: by program, by script, or by pid; oldest first.

    Of processes that started one another (a server and its workers) only the first.
    """
    import psutil

    if _PID.fullmatch(name):
        return [int(name)] if psutil.pid_exists(int(name)) else []
    found = {
        process.pid: process.info
        for process in psutil.process_iter(["name", "cmdline", "ppid", "create_time"])
        if name.lower() in _names(process.info)
    }
    first = [pid for pid, info in found.items() if info["ppid"] not in found]
    return sorted(first, key=lambda pid: (found[pid]["create_time"] or 0, pid))


def _names(info: Mapping[str, Any]) -> Iterator[str]:
    """What a process is called, in lower case: the kernel's name, its program, its script."""
    arguments = info["cmdline"] or []
    programs = arguments[:1]
    if programs and PurePosixPath(programs[0]).name.startswith(_INTERPRETERS):
        # `python -m app`, `java -jar shop.jar`: of the options' values one is the program.
        programs += [argument for argument in arguments[1:5] if not argument.startswith("-")]
    for name in (info["name"] or "", *programs):
        path = PurePosixPath(name.lower())
        yield from filter(None, (path.name, path.stem))


def read_process(pid: int, max_open_files: int | None) -> ProcessDetails | None:
    """The process, whose processor time is measured for 0.2 s; None when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        cpu_percent = _known(lambda: process.cpu_percent(interval=0.2)) or 0.0
        with process.oneshot():
            return _read(process, cpu_percent, max_open_files)
    except psutil.NoSuchProcess:
        return None


def _read(
    process: psutil.Process, cpu_percent: float, max_open_files: int | None
) -> ProcessDetails:
    memory = _known(process.memory_info)
    parent = _known(process.parent)
    children = _known(process.children) or []
    sockets = _known(lambda: process.net_connections(kind="inet"))
    return ProcessDetails(
        pid=process.pid,
        name=process.name(),
        status=process.status(),
        user=_known(process.username),
        started_at=datetime.fromtimestamp(process.create_time(), UTC),
        resident_bytes=memory.rss if memory else None,
        num_threads=_known(process.num_threads),
        cpu_percent=cpu_percent,
        num_open_files=_known(process.num_fds),
        max_open_files=max_open_files,
        arguments=_known(process.cmdline),
        working_dir=_known(process.cwd),
        parent=_called(parent) if parent else "",
        children=[_called(child) for child in children],
        num_zombie_children=sum(_known(child.status) == "zombie" for child in children),
        listening=None if sockets is None else _listening(sockets),
        connections=Counter(
            s.status.lower().replace("_", "-") for s in sockets or [] if s.raddr and s.status
        ),
    )


def _listening(sockets: Sequence[Any]) -> list[str]:
    """Where TCP listens, and UDP that is connected to nobody."""
    places = {
        f"{'[' + s.laddr.ip + ']' if ':' in s.laddr.ip else s.laddr.ip}:{s.laddr.port}"
        f"{'' if s.status == 'LISTEN' else '/udp'}"
        for s in sockets
        if s.laddr and not s.raddr and s.status in ("LISTEN", "NONE")
    }
    return sorted(places)


def _called(process: psutil.Process) -> str:
    return f"{_known(process.name) or '?'} ({process.pid})"


def _known(read: Callable[[], _T]) -> _T | None:
    """What `read` gives; None when it is not for this user, or gone since (a zombie has little)."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        return read()
    return None
