"""What git leaves out of a checkout: build outputs, dependencies, whatever `.gitignore` names.

Git itself is asked, for nobody else reads its rules right. A checkout may come from anywhere, and
its own configuration can name programs for git to run, so these ways are closed: the file system
monitor and hooks (overridden), pagers, and fetching what a partial clone lacks (no transport is
allowed; its server or ssh command would be a program of the checkout's choice). The question reads
the index and the folders only, so filters and merge drivers have no part in it. Whatever goes wrong
with git, nothing is left out.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

_TIMEOUT_S = 20.0
_SAFE_OPTIONS = ("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_SAFE_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")


def is_in_checkout(folder: Path) -> bool:
    """Whether `folder` (a real path) or one above it holds `.git`."""
    return any(os.path.lexists(above / ".git") for above in (folder, *folder.parents))


def is_ignored(folder: Path) -> bool:
    """Whether git ignores `folder` itself, and so has no opinion on what is in it."""
    code, _ = _git(folder, "check-ignore", "--quiet", "--no-index", ".")
    return code == 0


def ignored_below(folder: Path) -> frozenset[str]:
    """Paths of what git ignores below `folder`; an ignored folder stands for all that is in it.

    What git tracks is never among them. Empty when git is missing, fails, or takes too long.
    """
    code, output = _git(folder, *_IGNORED)
    if code != 0:
        return frozenset()
    names = (os.fsdecode(name).rstrip("/") for name in output.split(b"\0") if name)
    return frozenset(os.path.join(folder, name) for name in names)  # noqa: PTH118 - 10 times faster


def _git(folder: Path, *arguments: str) -> tuple[int | None, bytes]:
    """Git's exit status, None when it could not finish, and what it wrote."""
    try:
        # No working directory: a relative entry in PATH must not lead into the checkout.
        process = subprocess.Popen(
            ["git", *_SAFE_OPTIONS, "-C", os.fspath(folder), *arguments],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None, b""
    with process, _killed_in_the_end(process):
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None, b""
        return process.returncode, output


@contextlib.contextmanager
def _killed_in_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing of the process group running, whatever ended the wait for it."""
    try:
        yield
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """This process's environment, without the variables that point git elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | _SAFE_ENVIRONMENT
