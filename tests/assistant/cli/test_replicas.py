"""Two replicas behind nginx, with one PostgreSQL and one Chroma: what a team runs.

The parts are real; all of them are on this machine's loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from assistant.access.static import new_shared
from tests.assistant.cli.conftest import payments_lines
from tests.assistant.cli.program import Program
from tests.assistant.postgres.server import PostgresServer
from tests.knowledge.chroma_server import ChromaServer

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[3]
TOKEN, ENTRY = new_shared("team", ["ask", "approve", "ingest"], None)
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


class Replica:
    """A `midwatch serve` of its own data folder."""

    def __init__(self, folder: Path, models_dir: Path, shared: dict[str, str]) -> None:
        folder.mkdir()
        self.program = Program(folder, models_dir)
        self.port = free_port()
        self.program.environment |= {
            **shared,
            "MIDWATCH_SERVER_TOKENS_ENV": "SHARED_TOKENS",
            "SHARED_TOKENS": ENTRY,
            "MIDWATCH_SERVER_LISTEN": f"127.0.0.1:{self.port}",
        }

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        with (self.program.folder / "serve.log").open("a") as log:
            process = self.program.start("serve", stdout=log, stderr=log)
        try:
            await_(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{self.port}"))
            assert process.poll() is None, (self.program.folder / "serve.log").read_text()[-2000:]
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def balanced(folder: Path, ports: list[int]) -> Iterator[str]:
    """The address of an nginx before the replicas, with the file that the docs have for it."""
    assert NGINX is not None
    port = free_port()
    text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
    for number, replica in enumerate(ports, 1):
        text = text.replace(f"midwatch-{number}:8443", f"127.0.0.1:{replica}")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Its workers are nobody otherwise, who may not write here.
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
        f" http {{ access_log off; {temporary} {text} }}"
    )
    process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        await_(lambda: answers(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def shared(tmp_path: Path, postgres_server: PostgresServer, chroma_url: str) -> dict[str, str]:
    return {
        "MIDWATCH_DATA_POSTGRES_ENV": "SHARED_POSTGRES",
        "SHARED_POSTGRES": postgres_server.new_address(),
        "MIDWATCH_KNOWLEDGE_CHROMA_URL": chroma_url,
        "MIDWATCH_SERVER_UPLOADS_DIR": str(tmp_path / "uploads"),
    }


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server.url
    server.kill()


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")
def test_a_team_goes_on_when_a_replica_dies(
    tmp_path: Path, models_dir: Path, shared: dict[str, str]
) -> None:
    log = tmp_path / "pay.log"
    log.write_text("".join(payments_lines()))
    (tmp_path / "disk.md").write_text("# No space left on device\n\nFree the disk of the ledger.\n")
    one, two = (Replica(tmp_path / name, models_dir, shared) for name in ("one", "two"))
    client = Program(tmp_path / "one", tmp_path / "no-models")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        first = stack.enter_context(one.running())
        second = stack.enter_context(two.running())
        url = stack.enter_context(balanced(Path(folder), [one.port, two.port]))
        client.environment |= {"MIDWATCH_SERVER_URL": url, "MIDWATCH_TOKEN": TOKEN}

        # What one replica takes in, any of them finds.
        assert one.program.run("ingest", tmp_path / "disk.md").out.startswith("1 added")
        for _ in range(4):
            searched = client.run("search", "no space left on device", "--json")
            assert searched.status == 0, searched.err
            found = json.loads(searched.out)
            assert [Path(hit["path"]).name for hit in found["results"]] == ["disk.md"]

        sessions = set()
        for _ in range(2):
            ran = client.run("ask", "Why are payments failing?", "-f", log, "--json", "--no-cache")
            assert ran.status == 0, ran.err
            sessions.add(json.loads(ran.out)["session"])
        known = [one.program, two.program, client]
        for program in known:
            listed = json.loads(program.run("sessions", "list", "--json").out)["sessions"]
            assert {session["id"] for session in listed} == sessions

        # Killed in the middle of a turn: the other one says what has become of it.
        asking = client.start("ask", "Why? Tell me all of it.", "-f", log, "--no-cache")
        await_(lambda: _runs_turn(one) or _runs_turn(two))
        victim = first if _runs_turn(one) else second
        victim.kill()
        ran = client.wait(asking)
        assert ran.status == 1, ran.out
        assert "the server ended while this was answered" in ran.said
        again = client.run("ask", "Why are payments failing?", "-f", log, "--json", "--no-cache")
        assert again.status == 0, again.err
        listed = json.loads(client.run("sessions", "list", "--json").out)["sessions"]
        assert {session["id"] for session in listed} == sessions | {
            json.loads(again.out)["session"]
        }


def _runs_turn(replica: Replica) -> bool:
    with contextlib.suppress(httpx.TransportError):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        response = httpx.get(f"http://127.0.0.1:{replica.port}/api/engine", headers=headers)
        return bool(response.json()["turns_running"])
    return False
