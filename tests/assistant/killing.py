"""kill -9, of a process by itself at a line of code, or from outside."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any


class Fuse:
    """Kills this process before its line number `kill_at` of the files that are counted."""

    def __init__(self, kill_at: int, counted: Collection[str]) -> None:
        self.num_lines = 0
        self._kill_at = kill_at
        self._counted = counted

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in self._counted:
            return None
        if event == "line":
            self.num_lines += 1
            if self.num_lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def was_killed(work: Callable[[], object], wait: Callable[[], object] | None = None) -> bool:
    """Whether a child process that does the work is killed: by itself, or by us after `wait`."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must not go on as the test
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if wait is not None:
        try:
            wait()
        finally:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == signal.SIGKILL
