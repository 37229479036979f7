"""`Launched`: a sandbox that has started, its two pipes, and the one way to end all of it.

The first process inside is the first of its own process namespace: when it is killed, the kernel
kills every other one there, whatever it did to get away. It is held by a descriptor (pidfd), so
that its number cannot come to mean another process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from tools.sandbox.complaint import explained, find_bubblewrap
from tools.sandbox.confinement import command, confined, interpreter
from tools.sandbox.program import Limits, SandboxedProgram

# Who a program runs as when we are root: nobody.
NOBODY = 65534
_START_S = 20.0
_END_S = 20.0
_STATUS_BYTES = 8192


def owner_of_programs() -> int | None:
    """The user, outside, whose the sandboxed processes are; None when they are the caller's."""
    return NOBODY if os.geteuid() == 0 else None


@dataclass(frozen=True, slots=True)
class Launched:
    """`process` is bubblewrap outside; `first` the first process inside, and `first_fd` its pidfd.

    `status_fd` says at the end that the program was started at all.
    """

    process: subprocess.Popen[bytes]
    first: int
    first_fd: int
    status_fd: int
    release_fd: int

    @property
    def streams(self) -> tuple[IO[bytes], IO[bytes]]:
        """Standard output and standard error."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return self.process.stdout, self.process.stderr

    def release(self) -> None:
        """Let the program begin, which has waited until now."""
        # It may have failed to get that far.
        with contextlib.suppress(BrokenPipeError):
            os.write(self.release_fd, b"\n")

    def end(self) -> None:
        """Kill everything inside, and return when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.first_fd, signal.SIGKILL)
        _wait_for_exit(self.first_fd)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def was_program_started(self) -> bool:
        """Whether the program itself ran; to be asked when it has ended by itself."""
        return b"exit-code" in os.read(self.status_fd, _STATUS_BYTES)


def _wait_for_exit(pidfd: int) -> None:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll(_END_S * 1000)


class _Handed:
    """Descriptors that bubblewrap inherits; closed here as soon as it has them."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, descriptor: int) -> int:
        self.numbers.append(descriptor)
        return descriptor

    def data(self, content: bytes) -> int:
        """A descriptor to read `content` from, which nobody can write."""
        descriptor = self.add(os.memfd_create("midwatch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        return descriptor

    def close(self) -> None:
        while self.numbers:
            os.close(self.numbers.pop())


@contextlib.contextmanager
def launched(
    program: SandboxedProgram, limits: Limits, *, is_memory_grouped: bool
) -> Iterator[Launched]:
    """A sandbox in which the program is about to begin; everything in it has ended after.

    With `is_memory_grouped` a control group bounds the memory, and the addresses are not bounded.
    Raises SandboxUnavailable, and then nothing has run.
    """
    with contextlib.ExitStack() as ours, contextlib.closing(_Handed()) as handed:
        status_fd, told_fd = os.pipe()
        ours.callback(os.close, status_fd)
        handed.add(told_fd)
        wait_fd, release_fd = os.pipe()
        ours.callback(os.close, release_fd)
        handed.add(wait_fd)
        arguments = [
            find_bubblewrap(),
            *confined(program, limits, handed.data),
            *("--json-status-fd", str(told_fd), "--block-fd", str(wait_fd), "--"),
            *limited(limits, is_memory_grouped),
            *command(program),
        ]
        process = ours.enter_context(_started(arguments, handed.data(program.stdin), handed))
        ours.callback(process.kill)
        handed.close()
        first = _first_process(status_fd, process)
        first_fd = _held(first, process)
        ours.callback(os.close, first_fd)
        sandbox = Launched(process, first, first_fd, status_fd, release_fd)
        ours.callback(sandbox.end)
        yield sandbox


def _started(arguments: Sequence[str], stdin: int, handed: _Handed) -> subprocess.Popen[bytes]:
    owner = owner_of_programs()
    process = subprocess.Popen(
        arguments,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # The first process inside is bubblewrap itself: whoever reads its environment there reads
        # what it was started with.
        env={},
        cwd="/",
        umask=0o022,
        pass_fds=handed.numbers,
        # Ctrl-C is for us: we end the sandbox.
        start_new_session=True,
        user=owner,
        group=owner,
        extra_groups=None if owner is None else [],
    )
    if owner is not None:
        # Else nobody could open /dev/stdout and /dev/stderr.
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            os.fchown(stream.fileno(), owner, owner)
    return process


def _first_process(status_fd: int, process: subprocess.Popen[bytes]) -> int:
    """The number of the first process inside; raises SandboxUnavailable when there is none."""
    told = b""
    deadline = time.monotonic() + _START_S
    while not told.endswith(b"\n"):
        is_ready = select.select([status_fd], [], [], max(0.0, deadline - time.monotonic()))[0]
        more = os.read(status_fd, _STATUS_BYTES) if is_ready else b""
        if not more:
            process.kill()
            raise explained(_complaint(process))
        told += more
    return int(json.loads(told)["child-pid"])


def _held(first: int, process: subprocess.Popen[bytes]) -> int:
    """The pidfd of the first process; raises SandboxUnavailable when it has failed already."""
    try:
        return os.pidfd_open(first)
    except ProcessLookupError as error:
        raise explained(_complaint(process)) from error


def _complaint(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read(_STATUS_BYTES).decode(errors="replace")


def limited(limits: Limits, is_memory_grouped: bool) -> list[str]:
    """The words before a command that bound what each of its processes may take.

    They are set inside, because the number of processes is counted by user namespace only for a
    limit that was set in it.
    """
    wanted = {
        "c": (resource.RLIMIT_CORE, 0, 1),
        "t": (resource.RLIMIT_CPU, limits.cpu_s, 1),
        "f": (resource.RLIMIT_FSIZE, limits.file_bytes, 1024),
        "n": (resource.RLIMIT_NOFILE, limits.open_files, 1),
        "u": (resource.RLIMIT_NPROC, limits.processes, 1),
    }
    if not is_memory_grouped:
        wanted["v"] = (resource.RLIMIT_AS, limits.memory_bytes, 1024)
    steps = [
        f"ulimit -{letter} {_at_most(kind, value) // unit}"
        for letter, (kind, value, unit) in wanted.items()
    ]
    # Where memory runs out after all, the kernel takes these processes first.
    script = " && ".join([*steps, "echo 1000 > /proc/self/oom_score_adj", 'exec "$@"'])
    return [str(interpreter("bash")), "-c", script, "sandbox"]


def _at_most(kind: int, value: int) -> int:
    """`value`, or what we may have ourselves, which cannot be raised."""
    hard = resource.getrlimit(kind)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
