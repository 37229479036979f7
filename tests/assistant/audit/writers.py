"""Writers that are processes of their own: many at once, and killed at any point.

A program, because the process that runs the tests has threads and cannot be forked safely.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from assistant.audit.log import AuditLog
from assistant.errors import AuditError

ROOT = Path(__file__).parents[3]
# So small that what a killed writer does includes beginning a file.
MAX_FILE_BYTES = 1200


def run(*arguments: object) -> str:
    """Run this program; what it prints."""
    command = [sys.executable, "-m", "tests.assistant.audit.writers", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def log_of(folder: Path) -> AuditLog:
    return AuditLog(folder, str, max_file_bytes=MAX_FILE_BYTES)


def killed_at_each_point(origin: Path, target: Path, num_records: int) -> list[list[str]]:
    """Append to a copy of `origin` in `target/1`, `target/2`, …, killed one point later each time.

    Returns the names of the records that were promised, for each.
    """
    promised: list[list[str]] = []
    while True:
        folder = target / str(len(promised) + 1)
        if origin.exists():
            shutil.copytree(origin, folder)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _die_at(len(promised) + 1)
            _append(folder, [f"m{number}" for number in range(num_records)], writing)
        os.close(writing)
        with os.fdopen(reading) as acknowledged:
            promised.append(acknowledged.read().split())
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return promised


def many(folder: Path, num_writers: int, num_records: int, num_killed: int) -> list[str]:
    """All append at once; the first few are killed half-way. The names that were promised."""
    reading, writing = os.pipe()
    children = []
    for writer in range(num_writers):
        child = os.fork()
        if child == 0:
            os.close(reading)
            _append(folder, [f"w{writer}-{number}" for number in range(num_records)], writing)
        children.append(child)
    os.close(writing)
    promised = []
    with os.fdopen(reading) as acknowledged:
        for name in map(str.strip, acknowledged):
            promised.append(name)
            writer, number = name.removeprefix("w").split("-")
            if int(writer) < num_killed and int(number) == num_records // 2:
                os.kill(children[int(writer)], signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    return promised


def limited(folder: Path) -> dict[str, object]:
    """Append until a file may grow no more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    log = AuditLog(folder, str)
    num_promised = 0
    while True:
        try:
            log.append("requested", {"approval": f"a{num_promised}"})
        except AuditError as error:
            return {"num_promised": num_promised, "message": error.message}
        num_promised += 1


def _append(folder: Path, names: list[str], acknowledge: int) -> None:
    status = 1
    try:
        log = log_of(folder)
        for name in names:
            log.append("requested", {"approval": name})
            with open(acknowledge, "w", closefd=False) as said:
                print(name, file=said)
        status = 0
    finally:
        os._exit(status)


def _die_at(point: int) -> None:
    """From now on count the points at which this process may be killed, and die at this one."""
    left = point
    write, fsync, replace = os.write, os.fsync, os.replace

    def pass_point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying_write(descriptor: int, content: bytes) -> int:
        nonlocal left
        pass_point()
        for size in (len(content) // 2, len(content) - 1):
            if left == 1:
                write(descriptor, content[:size])
            pass_point()
        size = write(descriptor, content)
        pass_point()
        return size

    def dying_fsync(descriptor: int) -> None:
        fsync(descriptor)
        pass_point()

    def dying_replace(*paths: object) -> None:
        replace(*paths)  # type: ignore[arg-type]
        pass_point()

    os.write, os.fsync, os.replace = dying_write, dying_fsync, dying_replace  # type: ignore[assignment]


def main(command: str, *arguments: str) -> None:
    match command:
        case "killed":
            origin, target, num_records = arguments
            print(json.dumps(killed_at_each_point(Path(origin), Path(target), int(num_records))))
        case "limited":
            print(json.dumps(limited(Path(*arguments))))
        case "many":
            print(json.dumps(many(Path(arguments[0]), *map(int, arguments[1:]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
