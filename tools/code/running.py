"""Runs a checking tool over a text: never the text itself, and never for long.

A checker gets an argument list, the code on standard input or in a folder that is made for it and
removed after, an environment with nothing of ours, a time limit that ends its process group, and
a bound on what is read of its output. What the output means is each language's own matter.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIME_LIMIT_S = 8.0
OUTPUT_LIMIT_BYTES = 4_000_000
_SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


class CheckerUnavailable(Exception):
    """A checker that is not installed, took too long, or answered in a form that is not its own."""


@dataclass(frozen=True, slots=True)
class CheckerRun:
    """How a checker ended: `status` is its exit status, `output` and `errors` what it wrote."""

    status: int
    output: str
    errors: str


def find_program(name: str) -> str:
    """The program's path, looked up beside this interpreter first; raises CheckerUnavailable."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, *_SYSTEM_FOLDERS]))
    if found is None:
        raise CheckerUnavailable(f"{name} is not installed")
    return found


def run_checker(
    command: Sequence[str],
    text: str = "",
    *,
    folder: Path | None = None,
    limit_s: float = TIME_LIMIT_S,
    environment: Mapping[str, str] | None = None,
    leads_group: bool = False,
) -> CheckerRun:
    """The run of `command` with `text` on its standard input; raises CheckerUnavailable.

    It runs in `folder`, else in an empty one. One that `leads_group` may start others: they end
    with it. The rest stay in our own group, so that who ends us ends them.
    """
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(tempfile.TemporaryFile())
        output = stack.enter_context(tempfile.TemporaryFile())
        errors = stack.enter_context(tempfile.TemporaryFile())
        source.write(text.encode(errors="replace"))
        source.seek(0)
        name = Path(command[0]).name
        try:
            process = subprocess.Popen(
                list(command),
                stdin=source,
                stdout=output,
                stderr=errors,
                cwd=home,
                env=_environment(home) | dict(environment or {}),
                start_new_session=leads_group,
            )
        except OSError as error:
            raise CheckerUnavailable(f"{name} does not start: {error}") from error
        status = _wait(process, name, limit_s, leads_group)
        return CheckerRun(status, _read(output.fileno()), _read(errors.fileno()))


def _wait(process: subprocess.Popen[bytes], name: str, limit_s: float, leads_group: bool) -> int:
    with process:
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise CheckerUnavailable(f"{name} took longer than {limit_s:g} s") from error
        finally:
            _end(process, leads_group)


def _end(process: subprocess.Popen[bytes], leads_group: bool) -> None:
    if leads_group:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _environment(home: Path) -> dict[str, str]:
    """Nothing of ours: no token, no proxy, no configuration of the person's."""
    return {
        "PATH": os.pathsep.join(_SYSTEM_FOLDERS),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def _read(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read(OUTPUT_LIMIT_BYTES).decode(errors="replace")
