"""A real Chroma server on this machine, for tests that share a knowledge base."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

_START_LIMIT_S = 60.0
_ANSWER_LIMIT_S = 5.0
_POLL_S = 0.05


class ChromaServer:
    """`chroma run` on a port of its own; what it holds stays in `folder` when it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{_free_port()}"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        port = self.url.rpartition(":")[2]
        program = Path(sys.executable).with_name("chroma")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "run", "--path", self._folder, "--host", "127.0.0.1", "--port", port],
                stdout=log,
                stderr=log,
                env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
            )
        self._wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def empty(self) -> None:
        """Drop all that it holds."""
        base = f"{self.url}/api/v2/tenants/default_tenant/databases/default_database/collections"
        with httpx.Client(timeout=_ANSWER_LIMIT_S) as client:
            for collection in client.get(base).raise_for_status().json():
                client.delete(f"{base}/{collection['name']}").raise_for_status()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                httpx.get(
                    f"{self.url}/api/v2/heartbeat", timeout=_ANSWER_LIMIT_S
                ).raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
