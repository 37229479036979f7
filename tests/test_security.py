"""What docs/security.md promises and no other test holds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from assistant.cli.output import print_json
from assistant.sessions import open_sessions

LOG = "2026-03-01T02:00:00Z ERROR checkout: no connection to payments\n"


class Collector(BaseHTTPRequestHandler):
    """A server that traces could be sent to; it notes the path of each request."""

    paths: list[str]

    def _note(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PATCH = _note

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that were asked of it so far."""
    paths: list[str] = []
    handler = type("Handler", (Collector,), {"paths": paths})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.model
def test_tracing_that_was_switched_on_for_other_programs_is_off_here(
    tmp_path: Path, models_dir: Path, collector: tuple[str, list[str]]
) -> None:
    address, paths = collector
    log = tmp_path / "checkout.log"
    log.write_text(LOG * 3)
    tracing = {
        f"{namespace}_{name}": value
        for namespace in ("LANGSMITH", "LANGCHAIN")
        for name, value in (
            ("TRACING", "true"),
            ("TRACING_V2", "true"),
            ("ENDPOINT", address),
            ("API_KEY", "a-key"),
        )
    }
    settings = {
        "MIDWATCH_MODEL_DIR": str(models_dir),
        "MIDWATCH_MODEL_NAME": "qwen2.5-coder-0.5b",
        "MIDWATCH_DATA_DIR": str(tmp_path / "data"),
    }
    asked = subprocess.run(
        [sys.executable, "-m", "assistant.cli", "ask", "-f", str(log), "What is wrong?"],
        env=os.environ | tracing | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr
    assert paths == []


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A data folder that every user of the machine may look into."""
    tmp_path.chmod(0o755)
    return tmp_path


async def test_sessions_are_for_their_user_even_in_an_open_folder(open_folder: Path) -> None:
    async with open_sessions(open_folder):
        modes = {entry.name: entry.stat().st_mode & 0o077 for entry in os.scandir(open_folder)}
    assert "sessions.db" in modes
    assert [name for name, mode in modes.items() if mode] == []


def test_json_for_a_terminal_holds_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {"text": "".join(map(chr, range(0xA1))) + "é€😀"}
    print_json(value)
    [line] = capsys.readouterr().out.splitlines()
    assert line.replace("\xa0", "").isprintable()
    assert json.loads(line) == value
