"""One run of systemctl or journalctl: an argument list, no shell, no questions, bounded.

Language and time zone are fixed, so that what is printed can be read; of the caller's environment
only what leads to a user's own manager is passed on.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tools.errors import BackendUnavailable

_PASSED_ON = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "HOME")
_FIXED = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "SYSTEMD_COLORS": "0", "SYSTEMD_URLIFY": "0"}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: what it printed, and on standard error."""

    exit_status: int
    output: str
    complaints: str


class TimedOut(BackendUnavailable):
    """The program was still waiting for systemd, and was killed; systemd does not notice."""


def run_program(command: Sequence[str], timeout_s: float) -> Ran:
    """Run `command` to its end. Raises TimedOut, and BackendUnavailable when it cannot be run."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise BackendUnavailable(
            f"{command[0]} cannot be run: {error.strerror}", "it comes with systemd"
        ) from error
    with process:
        try:
            output, complaints = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise TimedOut(
                f"{command[0]} gave no answer within {timeout_s:g} s",
                "see whether systemd itself hangs: systemctl list-jobs",
            ) from error
    return Ran(process.returncode, _text(output), _text(complaints).strip())


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PATH": os.environ.get("PATH", os.defpath), **_FIXED}


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
