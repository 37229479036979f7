"""A process that must not outlive its parent, however the parent dies.

A signal handler cannot do this: nothing runs in a parent that is killed with SIGKILL. So the child
looks, twice a second, whether its parent is still there. A timer signal does the looking rather
than a thread, because supervisord forks and a fork does not go well with threads.
"""

from __future__ import annotations

import os
import signal

PERIOD_S = 0.5


def end_with(parent_pid: int) -> None:
    """Kill this process as soon as its parent is not `parent_pid` any more.

    There is no one left to end in good order for, and supervisord's good order takes seconds. Call
    it on the main thread; it takes over SIGALRM.
    """

    def look(signal_number: int, frame: object) -> None:
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, PERIOD_S, PERIOD_S)
