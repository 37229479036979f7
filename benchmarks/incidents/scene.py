"""`Scene`: the machine on which an incident happens, and what is written down about it.

An incident starts programs, makes them fail, looks at them with the commands that an engineer would
use, and notes facts. Everything below /var/log becomes the bundle's logs.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.incidents.machine import LOGS, PYTHON

PROGRAMS = Path(__file__).with_name("programs")
USER = "www-data"
_ENVIRONMENT = {
    "PATH": "/opt/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/srv",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_SAMPLE_PERIOD_S = 2.0
_COMMAND_LIMIT_S = 60


class Scene:
    """A machine to let programs fail on. `captures` and `series` go to `bundle`."""

    def __init__(self, bundle: Path) -> None:
        self.facts: dict[str, str] = {}
        self._bundle = bundle
        self._captures: list[dict[str, str]] = []
        self._series: dict[str, Callable[[], float]] = {}
        self._rows: list[tuple[str, str, float]] = []
        self._is_over = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def write(self, path: str, text: str) -> Path:
        """A file that the programs may read."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def folder(self, path: str, user: str = USER) -> Path:
        """An empty folder that `user` may write to."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, user, user)
        return folder

    def start(
        self,
        log: str,
        *command: str,
        user: str = USER,
        cwd: str = "/srv",
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command`; what it prints is appended to the log `log`. `before` runs in the child
        right before the program."""
        with (LOGS / log).open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env={**_ENVIRONMENT, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=[],
                preexec_fn=before,
                start_new_session=True,
            )

    def install(self, program: str, service: str) -> str:
        """Put the suite's own `program` where a service lives; its path on this machine."""
        folder = self.folder(f"/srv/{service}")
        for name in (program, "serving.py", "logs.py"):
            if (PROGRAMS / name).is_file():
                shutil.copy(PROGRAMS / name, folder)
        return str(folder / program)

    def serve(
        self,
        program: str,
        service: str,
        *,
        log: str = "",
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run the suite's own `program` as `service`, in Python or Node by its ending."""
        path = self.install(program, service)
        runtime = "/usr/bin/node" if program.endswith(".js") else PYTHON
        return self.start(
            log or f"{service}.log",
            runtime,
            path,
            cwd=f"/srv/{service}",
            environment={"SERVICE": service, **(environment or {})},
            before=before,
        )

    def run(self, *command: str, user: str = "root", cwd: str = "/srv", stdin: str = "") -> str:
        """What `command` prints. Raises CalledProcessError when it fails."""
        return subprocess.run(
            command,
            cwd=cwd,
            env=_ENVIRONMENT,
            input=stdin,
            capture_output=True,
            text=True,
            user=user,
            group=user,
            extra_groups=[],
            timeout=_COMMAND_LIMIT_S,
            check=True,
        ).stdout

    def capture(
        self,
        file: str,
        command: str,
        user: str = "root",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what the shell command prints, as an engineer would for a support bundle."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd="/srv",
            env={**_ENVIRONMENT, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=user,
            group=user,
            extra_groups=[],
            timeout=_COMMAND_LIMIT_S,
            check=False,
        )
        folder = self._bundle / "captures"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(done.stdout)
        status = "success" if done.returncode == 0 else "error"
        self._captures.append({"file": file, "command": command, "status": status, "at": now_iso()})

    def append(self, log: str, text: str) -> None:
        """Add what a tool of the incident has printed to a log."""
        with (LOGS / log).open("a") as output:
            output.write(text)

    def watch(self, metric: str, value: Callable[[], float]) -> None:
        """Sample `value` every two seconds as the series `metric`."""
        self._series[metric] = value

    def wait(self, duration_s: float) -> None:
        """Let life go on for a while."""
        time.sleep(duration_s)

    def note(self, key: str, value: object) -> None:
        """A fact that the question or the expectations name."""
        self.facts[key] = str(value)

    def finish(self) -> None:
        """Write the bundle: logs, the captures' index, the series, and what time it is now."""
        self._is_over.set()
        _collect_logs(self._bundle / "logs")
        if self._captures:
            lines = "".join(f"{json.dumps(entry)}\n" for entry in self._captures)
            (self._bundle / "captures" / "index.jsonl").write_text(lines)
        if self._rows:
            folder = self._bundle / "metrics"
            folder.mkdir()
            with (folder / "metrics.csv").open("w", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(("timestamp", "metric", "value"))
                writer.writerows(self._rows)
        (self._bundle / "bundle.toml").write_text(f'now = "{now_iso()}"\n')

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_PERIOD_S):
            for metric, value in list(self._series.items()):
                try:
                    self._rows.append((now_iso(), metric, round(value(), 3)))
                except (OSError, ValueError):
                    continue  # the program that knows is down: a gap in the series


def now_iso() -> str:
    """The time as `2026-11-20T03:12:05Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock() -> str:
    """The time of day as `03:12:05`, in UTC."""
    return datetime.now(UTC).strftime("%H:%M:%S")


def _collect_logs(target: Path) -> None:
    """Copy all logs to `target`, flat, without the lines that tell the recording kernel's name."""
    target.mkdir(parents=True)
    kernel = os.uname().release.encode()
    for file in sorted(LOGS.rglob("*")):
        if file.is_file() and file.stat().st_size:
            lines = file.read_bytes().splitlines(keepends=True)
            copy = target / "-".join(file.relative_to(LOGS).parts)
            copy.write_bytes(b"".join(line for line in lines if kernel not in line))
