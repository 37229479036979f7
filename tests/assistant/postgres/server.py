"""A real PostgreSQL for tests, on a Unix socket in a folder of its own."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "150",
    "shared_buffers": "16MB",
    # What is killed here are its clients; what it wrote need not survive the machine.
    "fsync": "off",
}
_SIGNAL_WHEN_PARENT_ENDS = 1  # prctl(2): PR_SET_PDEATHSIG
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None when it is not installed."""
    found = shutil.which("initdb", path=os.pathsep.join(map(str, _INSTALLED)) or None)
    return Path(found).parent if found else None


def _end_with_us() -> None:
    """In the server's process: it ends when this one does, also when that is killed."""
    ctypes.CDLL(None).prctl(_SIGNAL_WHEN_PARENT_ENDS, signal.SIGQUIT)


class PostgresServer:
    """A server with one database, in which each test has a schema. Call `close` in the end."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self._schemas = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        # It refuses to be root's.
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-U", "midwatch", "-A", "trust", "-N")
        self.start()

    def start(self) -> None:
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self._folder / "data"), "-k", str(self._folder)),
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_end_with_us,
                **self._user,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and the connections of all clients; what they wrote stays."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """End it for good."""
        self._end(signal.SIGQUIT)

    def new_address(self) -> str:
        """The address of a schema where nothing is."""
        schema = f"test_{next(self._schemas)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return self._address(f"-c search_path={schema}")

    def connect(self, address: str = "") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(address or self._address(), autocommit=True)

    def wait_for_the_dead(self) -> None:
        """Return when the server has noticed that all of its clients are gone."""
        deadline = time.monotonic() + 60
        with self.connect() as connection:
            while (row := connection.execute(_OTHERS).fetchone()) and row[0]:
                assert time.monotonic() < deadline
                time.sleep(0.002)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def _address(self, options: str = "") -> str:
        return f"host={self._folder} user=midwatch dbname=postgres options='{options}'"

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        subprocess.run(
            command, check=True, capture_output=True, env=environment, cwd="/", **self._user
        )
