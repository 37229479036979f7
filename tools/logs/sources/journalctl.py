"""One run of journalctl: its lines, bounded in time and size, and what it complained about.

It runs without a shell and without the caller's environment, so that language, pager and time zone
do not matter, and is killed when it has to stop. What its lines mean is left to
`tools.logs.sources.journal_entries`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from typing import IO

from tools.errors import BackendUnavailable
from tools.logs.sources.watch import FetchWatch

MAX_ENTRY_BYTES = 4 << 20
_BLOCK_BYTES = 256 * 1024
_LOOK_S = 0.05
_MAX_COMPLAINT_BYTES = 4096
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath, "SYSTEMD_COLORS": "0", "TZ": "UTC"}


@dataclass(slots=True)
class JournalctlRun:
    """The lines of standard output of `command`; iterate once.

    Complete when the iteration has ended: `stop_reason` (why it was killed, empty when it came to
    its own end), `exit_status`, `complaints` (its standard error, cut) and `oversized` (lines that
    were left out because they are longer than MAX_ENTRY_BYTES). Raises BackendUnavailable when
    there is no such program.
    """

    command: Sequence[str]
    watch: FetchWatch
    name: str
    stop_reason: str = ""
    exit_status: int | None = None
    complaints: str = ""
    oversized: int = 0
    _read_bytes: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes]:
        with tempfile.TemporaryFile() as complaints:
            with _started(self.command, complaints) as process:
                assert process.stdout is not None
                yield from self._lines(process.stdout)
                if not self.stop_reason:
                    self.exit_status = process.wait()
            complaints.seek(0)
            self.complaints = complaints.read(_MAX_COMPLAINT_BYTES).decode("utf-8", "replace")

    def _lines(self, output: IO[bytes]) -> Iterator[bytes]:
        rest = b""
        is_dropping = False
        for block in self._blocks(output):
            *lines, rest = (rest + block).split(b"\n")
            if lines and is_dropping:
                del lines[0]
                is_dropping = False
            yield from lines
            if len(rest) > MAX_ENTRY_BYTES or is_dropping:
                self.oversized += not is_dropping
                rest, is_dropping = b"", True

    def _blocks(self, output: IO[bytes]) -> Iterator[bytes]:
        """What comes, until the end or a reason to stop; looks for one at least every _LOOK_S."""
        with DefaultSelector() as selector:
            selector.register(output, EVENT_READ)
            while not self.stop_reason:
                if selector.select(_LOOK_S):
                    block = os.read(output.fileno(), _BLOCK_BYTES)
                    if not block:
                        return
                    self._read_bytes += len(block)
                    self.watch.count(self.name, len(block), self._read_bytes)
                    yield block
                self.stop_reason = self.watch.stop_reason()


@contextmanager
def _started(command: Sequence[str], complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise BackendUnavailable(
            f"{command[0]} cannot be run: {error.strerror}",
            "the journal needs systemd's journalctl on this machine",
        ) from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
