"""scheduler: starts the jobs in jobs.txt (`NAME SECONDS PROGRAM`) at their intervals."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from logs import open_log

log = open_log("scheduler", "klog")


def run(name: str, program: str) -> None:
    """One run of a job."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, program])
    log.info("job started", extra={"job": name, "pid": process.pid})
    status = process.wait()
    seconds = round(time.monotonic() - started, 1)
    fields = {"job": name, "pid": process.pid, "status": status, "seconds": seconds}
    log.info("job finished", extra=fields)


def main() -> None:
    """Start jobs for ever."""
    name, interval, program = Path("jobs.txt").read_text().split()
    log.info("schedule loaded", extra={"job": name, "every_s": int(interval)})
    while True:
        threading.Thread(target=run, args=(name, program)).start()
        time.sleep(int(interval))


if __name__ == "__main__":
    main()
