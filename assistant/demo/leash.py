"""supervisord on a leash: `python -m assistant.demo.leash PARENT_PID CONFIGURATION`.

It stops, and stops its programs, when the process that started it is gone. The programs in turn
are tied to supervisord by its process id in their environment.
"""

from __future__ import annotations

import os
import sys

from assistant.demo.lifeline import end_with
from assistant.demo.services.wire import SUPERVISOR_PID


def main(parent_pid: str, configuration: str) -> None:
    """Run supervisord in the foreground until it is told to stop or the parent has died."""
    from supervisor import supervisord  # type: ignore[import-untyped]

    os.environ[SUPERVISOR_PID] = str(os.getpid())
    end_with(int(parent_pid))
    supervisord.main(["--nodaemon", "--silent", "--configuration", configuration])


if __name__ == "__main__":
    main(*sys.argv[1:])
