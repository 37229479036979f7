"""`look_at_process`: one process, or the few of one name, in figures and in what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tools.evidence import Finding
from tools.host.facts import age, names, percent, size
from tools.host.host import Checkpoint, go_on
from tools.host.kernel_files import KernelFiles
from tools.host.masking import masked_command
from tools.host.process_details import ProcessDetails, find_pids, read_process
from tools.host.processes import open_files_limit
from tools.result import Status, ToolResult

MAX_PROCESSES = 3
_MAX_NAMED = 8
_MAX_COMMAND_CHARS = 400
# States that stop a process from doing its work.
_BAD_STATES = {
    "zombie": ("it has ended, and its parent has not collected it", 0.6),
    "stopped": ("it was stopped by a signal and does nothing until it is continued", 0.85),
    "tracing-stop": ("a debugger holds it", 0.7),
    "disk-sleep": ("it waits for a disk or a network file system", 0.4),
}
_FULL = ((95, 0.9), (80, 0.5))
_BUSY_PERCENT = 95
_JUST_STARTED_S = 120


def look_at_process(target: int | str, *, checkpoint: Checkpoint = go_on) -> ToolResult:
    """The process of a pid, or those that a name names (at most 3), with what is wrong with them.

    A name is that of a program or script; workers are told with the process that started them.
    Secrets in command lines are masked, and environment variables never read. Takes about 0.2 s a
    process.
    """
    name = str(target).strip()
    pids = find_pids(name)
    processes = list(_read(pids[:MAX_PROCESSES], checkpoint))
    if not processes:
        return ToolResult(Status.NO_DATA, f"No process {name} runs on this machine.")
    now = datetime.now(UTC)
    findings = [finding for process in processes for finding in _findings(process, now)]
    return ToolResult(
        Status.OK,
        f"{len(pids)} found for {name}: {names([_called(p) for p in processes], MAX_PROCESSES)}.",
        tuple(findings),
        omitted=len(pids[MAX_PROCESSES:]),
    )


def _read(pids: list[int], checkpoint: Checkpoint) -> Iterator[ProcessDetails]:
    for pid in pids:
        checkpoint()
        process = read_process(pid, open_files_limit(KernelFiles(), pid))
        if process is not None:
            yield process


def _called(process: ProcessDetails) -> str:
    return f"{process.name} (pid {process.pid})"


def _findings(process: ProcessDetails, now: datetime) -> Iterator[Finding]:
    troubles = list(troubles_of(process, now))
    note = "; ".join(trouble for trouble, _ in troubles)
    suspicion = max((suspicion for _, suspicion in troubles), default=0.0)
    source = f"host: process {process.name}"
    yield Finding("capture", source, described(process), None, note, suspicion)
    for text in _further(process):
        yield Finding("capture", source, text)


def described(process: ProcessDetails) -> str:
    """The process in one line: `nginx (pid 12): sleeping, user www, …`."""
    parts = [f"{_called(process)}: {process.status}"]
    if process.user:
        parts.append(f"user {process.user}")
    if process.started_at:
        parts.append(f"started {process.started_at:%Y-%m-%dT%H:%M:%SZ}")
    if process.num_threads:
        parts.append(f"{process.num_threads} thread{'s' if process.num_threads > 1 else ''}")
    if process.resident_bytes is not None:
        parts.append(f"{size(process.resident_bytes)} resident")
    parts.append(f"{process.cpu_percent:.0f}% CPU")
    if process.num_open_files is not None:
        limit = f" of {process.max_open_files}" if process.max_open_files else ""
        parts.append(f"{process.num_open_files}{limit} files open")
    return ", ".join(parts)


def troubles_of(process: ProcessDetails, now: datetime) -> Iterator[tuple[str, float]]:
    """What is wrong with it, each with how suspicious it is."""
    if process.status in _BAD_STATES:
        yield _BAD_STATES[process.status]
    if process.num_open_files is not None and process.max_open_files:
        share = percent(process.num_open_files, process.max_open_files)
        suspicion = next((value for least, value in _FULL if share >= least), 0.0)
        if suspicion:
            yield f"{share:.0f}% of the files that it may open", suspicion
    if process.num_zombie_children:
        yield f"{process.num_zombie_children} of its children are dead and not collected", 0.35
    if process.cpu_percent >= _BUSY_PERCENT:
        yield f"it uses {process.cpu_percent / 100:.1f} processors", 0.3
    if process.started_at:
        running_s = (now - process.started_at).total_seconds()
        if running_s < _JUST_STARTED_S:
            yield f"it was started only {age(running_s)} ago", 0.3


def _further(process: ProcessDetails) -> Iterator[str]:
    who = _called(process)
    if process.arguments:
        command = masked_command(process.arguments)
        cut = "…" if len(command) > _MAX_COMMAND_CHARS else ""
        yield f"command of {who}: {command[:_MAX_COMMAND_CHARS]}{cut}"
    if process.working_dir:
        yield f"working directory of {who}: {process.working_dir}"
    if process.parent:
        yield f"parent of {who}: {process.parent}"
    if process.children:
        told = names(list(process.children), _MAX_NAMED)
        yield f"children of {who}: {len(process.children)}: {told}"
    if process.listening:
        yield f"ports of {who}: listens on {names(list(process.listening), _MAX_NAMED)}"
    if process.connections:
        told = ", ".join(f"{number} {state}" for state, number in process.connections.items())
        yield f"connections of {who}: {told}"
