"""A real Prometheus on this machine, with a recorded history or with something to scrape."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx

from tools.metrics.labels import render_series_name

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
_START_LIMIT_S = 60.0
_BACKFILL_LIMIT_S = 60.0
_POLL_S = 0.05

Samples = Iterable[tuple[str, Mapping[str, str], float, float]]


class PrometheusServer:
    """Prometheus with a folder and port of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def record(self, samples: Samples) -> None:
        """Give it a history: (name, labels, epoch seconds, value)."""
        assert PROMTOOL
        text = self._folder / "history.txt"
        lines = [
            f"{render_series_name(name, labels)} {value} {at}\n"
            for name, labels, at, value in samples
        ]
        text.write_text("".join(lines) + "# EOF\n")
        subprocess.run(
            [PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", "-q", text, self._data],
            check=True,
            timeout=_BACKFILL_LIMIT_S,
            stdout=subprocess.DEVNULL,
        )

    def start(self, config: str = "") -> None:
        """Start with a configuration in YAML and wait until it answers."""
        assert PROMETHEUS
        (self._folder / "prometheus.yml").write_text(config)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROMETHEUS,
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._data}",
                    "--storage.tsdb.retention.time=100y",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(_POLL_S)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
