"""`run_sandboxed`: one program from its start to the last of its processes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from tools.errors import SandboxUnavailable
from tools.sandbox.complaint import explained
from tools.sandbox.confinement import check_writable
from tools.sandbox.control_group import ControlGroup, control_group
from tools.sandbox.folder import FileChange
from tools.sandbox.launch import Launched, launched, owner_of_programs
from tools.sandbox.lending import lent
from tools.sandbox.output import Capture
from tools.sandbox.program import Limits, SandboxedProgram
from tools.sandbox.watch import FolderWatch, MemoryWatch, is_over

Stream = Literal["stdout", "stderr"]
# Why a program was ended, rather than ending by itself.
Ended = Literal["time", "memory", "output", "folder", "cancelled"]
OnOutput = Callable[[Stream, str], None]

_TICK_S = 0.05
_READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class SandboxRun:
    """How a program ran.

    `status` is its exit status as a shell has it: 128 and the signal's number when a signal ended
    it; None when it was ended, and `ended` says why. Of `stdout` and `stderr` the beginning is
    kept, and the `cut` bytes after it are not. `changes` are those in its folder, by path.
    """

    status: int | None
    ended: Ended | None
    stdout: str
    stderr: str
    stdout_cut_bytes: int
    stderr_cut_bytes: int
    duration_s: float
    changes: tuple[FileChange, ...]

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended by itself and well."""
        return self.status == 0

    @property
    def signal_name(self) -> str | None:
        """The signal that ended the program, as its status tells it ("SIGXCPU")."""
        with contextlib.suppress(ValueError):
            return signal.Signals((self.status or 0) - 128).name
        return None


def run_sandboxed(
    program: SandboxedProgram,
    limits: Limits,
    on_output: OnOutput | None = None,
    cancel: threading.Event | None = None,
) -> SandboxRun:
    """Run the program confined, and return when the last of its processes is gone.

    `on_output` gets what is kept of the output as it comes, in this thread. Setting `cancel` ends
    the program. Raises SandboxUnavailable where it cannot be confined; it has not run then.
    """
    _check_folder(program.folder, limits)
    captures = _captures(limits, on_output or _ignore)
    started = time.monotonic()
    with lent(program.folder, owner_of_programs()) as folder, control_group(limits) as group:
        with launched(program, limits, is_memory_grouped=group is not None) as sandbox:
            is_out_of_memory = _memory_look(sandbox, limits, group)
            looks = _looks(program, limits, captures, cancel, is_out_of_memory)
            sandbox.release()
            ended = _follow(sandbox, captures, looks)
            status = None if ended else _status(sandbox, captures)
            duration_s = time.monotonic() - started
        return SandboxRun(
            status=status,
            ended=ended,
            stdout=captures["stdout"].text,
            stderr=captures["stderr"].text,
            stdout_cut_bytes=captures["stdout"].cut_bytes,
            stderr_cut_bytes=captures["stderr"].cut_bytes,
            duration_s=duration_s,
            changes=folder.changes(),
        )


def _check_folder(folder: Path | None, limits: Limits) -> None:
    if folder is None:
        return
    check_writable(folder)
    if not folder.is_dir():
        raise SandboxUnavailable(f"{folder} is not a folder.")
    if os.geteuid() not in (0, folder.stat().st_uid):
        raise SandboxUnavailable(f"{folder} is another user's.", "Give it a folder of your own.")
    if is_over(folder, limits):
        raise SandboxUnavailable(
            f"{folder} already holds more than a sandboxed program may write.",
            "Give it less, or raise the limit.",
        )


def _ignore(_stream: Stream, _text: str) -> None:
    """Nobody watches."""


def _captures(limits: Limits, on_output: OnOutput) -> Mapping[Stream, Capture]:
    return {
        "stdout": Capture(limits.kept_output_bytes, partial(on_output, "stdout")),
        "stderr": Capture(limits.kept_output_bytes, partial(on_output, "stderr")),
    }


def _memory_look(
    sandbox: Launched, limits: Limits, group: ControlGroup | None
) -> Callable[[], bool]:
    """Whether the sandbox has taken all its memory: as its group says, else as we see ourselves."""
    if group is not None and group.add(sandbox.first):
        return group.is_exceeded
    return MemoryWatch(sandbox.first, limits).is_exceeded


def _looks(
    program: SandboxedProgram,
    limits: Limits,
    captures: Mapping[Stream, Capture],
    cancel: threading.Event | None,
    is_out_of_memory: Callable[[], bool],
) -> dict[Ended, Callable[[], bool]]:
    """What may end the program, and the question whether it does."""
    deadline = time.monotonic() + limits.time_s
    looks: dict[Ended, Callable[[], bool]] = {
        "time": lambda: time.monotonic() > deadline,
        "output": lambda: sum(one.num_bytes for one in captures.values()) > limits.output_bytes,
        "memory": is_out_of_memory,
    }
    if cancel is not None:
        looks["cancelled"] = cancel.is_set
    if program.folder is not None:
        looks["folder"] = FolderWatch(program.folder, limits).is_exceeded
    return looks


def _follow(
    sandbox: Launched,
    captures: Mapping[Stream, Capture],
    looks: Mapping[Ended, Callable[[], bool]],
) -> Ended | None:
    """Take the output until the program ends, or until one of `looks` says that it must."""
    with selectors.DefaultSelector() as selector:
        for stream, capture in zip(sandbox.streams, captures.values(), strict=True):
            selector.register(stream, selectors.EVENT_READ, capture)
        while selector.get_map():
            for key, _ in selector.select(_TICK_S):
                data = os.read(key.fd, _READ_BYTES)
                key.data.feed(data)
                if not data:
                    selector.unregister(key.fileobj)
            ended = next((reason for reason, is_so in looks.items() if is_so()), None)
            if ended:
                return ended
            if sandbox.process.poll() is not None:
                # What it left running holds the streams open. (The kernel ends it as well, because
                # of --die-with-parent.)
                sandbox.end()
    return None


def _status(sandbox: Launched, captures: Mapping[Stream, Capture]) -> int:
    """The exit status; raises SandboxUnavailable when the program was never begun."""
    if not sandbox.was_program_started():
        raise explained(captures["stderr"].text)
    return sandbox.process.wait()
