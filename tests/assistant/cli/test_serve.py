"""`midwatch serve` as a process, and the other commands through it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.client.finding import ServerAddress, answers
from assistant.client.remote import RemoteAssistant, open_remote_assistant
from assistant.events import TurnFailed, TurnFinished
from assistant.interface import AskRequest
from assistant.sessions import open_sessions
from tests.assistant.cli.conftest import payments_lines
from tests.assistant.cli.program import Program
from tests.tools.probes.servers import Authority, closed_port

pytestmark = pytest.mark.model


class Serving:
    """A running server, and what it says over its socket."""

    def __init__(self, program: Program, process: subprocess.Popen[str], path: Path) -> None:
        self.program = program
        self.process = process
        self.path = path
        transport = httpx.HTTPTransport(uds=str(path))
        self.client = httpx.Client(transport=transport, base_url="http://x", timeout=60)

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def answers(self) -> bool:
        """Whether it can be asked anything."""
        assert self.process.poll() is None
        return answers(self.path)

    def is_ready(self) -> bool:
        """Whether a question would be worked on at once."""
        return self.answers() and self.client.get("/readyz").status_code == 200

    def end(self) -> None:
        """Kill it, if it runs."""
        self.client.close()
        self.process.kill()
        self.process.wait()


def await_(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def serving(program: Program) -> Iterator[Serving]:
    running = started(program)
    try:
        await_(running.is_ready)
        yield running
    finally:
        running.end()


def started(program: Program) -> Serving:
    """A server that may not be ready yet; its log goes to a file, which is never full."""
    with (program.folder / "serve.log").open("a") as log:
        process = program.start("serve", stdout=log, stderr=log)
    return Serving(program, process, Path(program.environment["MIDWATCH_SERVER_SOCKET"]))


@pytest.fixture
def program(tmp_path: Path, models_dir: Path) -> Iterator[Program]:
    made = Program(tmp_path, models_dir)
    with tempfile.TemporaryDirectory() as folder:
        made.environment["MIDWATCH_SERVER_SOCKET"] = f"{folder}/s.sock"
        yield made


@pytest.fixture
def client(program: Program, tmp_path: Path) -> Program:
    """The same, on a machine without any model."""
    without = Program(tmp_path, tmp_path / "no-models")
    without.environment["MIDWATCH_SERVER_SOCKET"] = program.environment["MIDWATCH_SERVER_SOCKET"]
    return without


def test_the_other_commands_use_it(program: Program, client: Program, tmp_path: Path) -> None:
    (tmp_path / "pool.md").write_text("# Pool exhausted\n\nRaise the size of the pool.\n")
    log = tmp_path / "pay.log"
    log.write_text("".join(payments_lines()))
    assert client.run("ask", "why?", "-f", log).status == 1
    with serving(program) as server:
        assert client.run("ingest", tmp_path / "pool.md").out.startswith("1 added")
        found = json.loads(client.run("search", "pool exhausted", "--json").out)
        assert [Path(one["path"]).name for one in found["results"]] == ["pool.md"]
        ran = client.run("ask", "Why are payments failing?", "-f", log, "--json")
        assert ran.status == 0, ran.err
        answer = json.loads(ran.out)
        assert answer["outcome"] == "answered"
        [listed] = json.loads(client.run("sessions", "list", "--json").out)["sessions"]
        assert listed["id"] == answer["session"] == server.get("/api/sessions")["sessions"][0]["id"]
        assert client.run("sessions", "rename", listed["id"], "Pool").status == 0
        shown = client.run("sessions", "show", listed["id"][:4])
        assert "Why are payments failing?" in shown.out
        piped = client.run("ask", "why?", "--json", stdin="".join(payments_lines()))
        assert json.loads(piped.out)["citations"]
        assert client.run("--local", "ask", "why?", "-f", log).status == 1
        assert "other settings" in piped.err
        assert "other settings" not in program.run("sessions", "list").err
        assert client.run("sessions", "delete", listed["id"]).out == f"deleted {listed['id']}\n"
        assert "no session" in client.run("sessions", "show", listed["id"]).said


def test_a_second_server_is_refused_and_a_dead_ones_socket_is_not(program: Program) -> None:
    with serving(program) as first:
        ran = program.run("serve")
        assert ran.status == 1
        assert "a server runs already" in ran.said
        assert oct(first.path.stat().st_mode & 0o777) == "0o600"
        first.process.kill()
        first.process.wait()
        assert first.path.exists()
        with serving(program) as second:
            assert second.get("/healthz")["status"] == "ok"


def _asking(client: Program, log: Path) -> subprocess.Popen[str]:
    return client.start("ask", "Why are payments failing? Tell me all of it.", "-f", log)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "pay.log"
    path.write_text("".join(payments_lines()))
    return path


def test_what_runs_is_answered_before_it_ends(program: Program, client: Program, log: Path) -> None:
    with serving(program) as server:
        process = _asking(client, log)
        _await_turn(server)
        server.process.send_signal(signal.SIGTERM)
        ran = client.wait(process)
        assert (ran.status, "**Evidence**" in ran.out) == (0, True)
        assert server.process.wait(60) == 0
        assert not server.path.exists()


def _await_turn(server: Serving) -> None:
    """Return when the server works on a turn."""
    await_(lambda: server.get("/api/engine")["turns_running"] > 0)


def test_a_killed_server_fails_the_turn_and_loses_no_session(
    program: Program, client: Program, log: Path
) -> None:
    with serving(program) as server:
        kept = json.loads(client.run("ask", "why?", "-f", log, "--json").out)["session"]
        process = _asking(client, log)
        _await_turn(server)
        server.process.kill()
        server.process.wait()
        with serving(program) as again:
            ran = client.wait(process)
            assert ran.status == 1
            assert "the server ended while this was answered" in ran.said
            sessions = again.get("/api/sessions")["sessions"]
            assert [session["id"] for session in sessions] == [kept]


def test_systemd_is_told_when_it_is_ready_that_it_works_and_that_it_ends(program: Program) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        listener.bind(f"{folder}/notify")
        heard: list[str] = []
        threading.Thread(target=_hear, args=(listener, heard), daemon=True).start()
        program.environment["NOTIFY_SOCKET"] = f"{folder}/notify"
        program.environment["WATCHDOG_USEC"] = "200000"
        with serving(program) as server:
            await_(lambda: {"READY=1", "WATCHDOG=1", "STATUS=ready"} <= set(heard))
            assert "STOPPING=1" not in heard
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(60) == 0
        await_(lambda: "STOPPING=1" in heard)
        listener.sendto(b"", f"{folder}/notify")


def _hear(listener: socket.socket, heard: list[str]) -> None:
    """Read as a service manager does: whatever comes, at once; until nothing is said."""
    while told := listener.recv(200).decode():
        heard.append(told)


def test_a_server_without_a_model_says_so_and_serves_the_rest(client: Program, log: Path) -> None:
    server = started(client)
    try:
        await_(server.answers)
        assert server.get("/api/sessions") == {"sessions": []}
        assert server.client.get("/readyz").status_code == 503
        ran = client.run("ask", "why?", "-f", log)
        assert "midwatch model pull" in ran.said
    finally:
        server.end()


def test_from_another_machine_by_tls_and_a_token(client: Program, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    authority.context(["127.0.0.1"])
    [certificate] = set(tmp_path.glob("*.pem")) - {authority.file}
    address = f"127.0.0.1:{closed_port()}"
    token = client.run("tokens", "create", "anna", "--scope", "ask").out.strip()
    listed = json.loads(client.run("tokens", "list", "--json").out)["tokens"]
    elsewhere = Program(tmp_path / "elsewhere", tmp_path / "no-models")
    elsewhere.folder.mkdir()
    elsewhere.environment |= {
        "MIDWATCH_TOKEN": token,
        "MIDWATCH_SERVER_CA_FILE": str(authority.file),
    }
    client.environment |= {
        "MIDWATCH_SERVER_LISTEN": address,
        "MIDWATCH_SERVER_TLS_CERTIFICATE": str(certificate),
        "MIDWATCH_SERVER_TLS_KEY": str(certificate),
    }
    there = ["--server", f"https://{address}", "sessions", "list", "--json"]
    server = started(client)
    try:
        await_(server.answers)
        assert json.loads(elsewhere.run(*there).out) == {"sessions": []}
        elsewhere.environment.pop("MIDWATCH_SERVER_CA_FILE")
        assert "certificate" in elsewhere.run(*there).said.lower()
        elsewhere.environment["MIDWATCH_SERVER_CA_FILE"] = str(authority.file)
        assert client.run("tokens", "revoke", listed[0]["id"]).status == 0
        refused = elsewhere.run(*there)
        assert (refused.status, "not valid" in refused.said) == (1, True)
        elsewhere.environment.pop("MIDWATCH_TOKEN")
        assert "$MIDWATCH_TOKEN is not set" in elsewhere.run(*there).said
    finally:
        server.end()


async def test_killed_in_the_middle_of_twenty_turns(program: Program, log: Path) -> None:
    ended: dict[str, TurnFinished | TurnFailed] = {}
    some = asyncio.Event()

    async def ask(assistant: RemoteAssistant, turn: str) -> None:
        # Each of them is another question: none is answered from what another came to.
        request = AskRequest(f"Why are payments failing? ({turn})", files=(log,), turn=turn)
        async with aclosing(assistant.ask(request)) as events:
            async for event in events:
                if isinstance(event, TurnFinished | TurnFailed):
                    ended[turn] = event
        if len(ended) == 5:
            some.set()

    names = [f"turn-{number:04}" for number in range(20)]
    with serving(program) as server:
        async with open_remote_assistant(ServerAddress(socket=server.path)) as assistant:
            asking = [asyncio.create_task(ask(assistant, name)) for name in names]
            await asyncio.wait_for(some.wait(), 300)
            server.process.kill()
            server.process.wait()
            early = set(ended)
            with serving(program):
                await asyncio.gather(*asking)
                sessions = {info.id for info in await assistant.sessions()}
                kept = [await assistant.conversation(session) for session in sessions]
    data = Path(program.environment["MIDWATCH_DATA_DIR"])
    async with open_sessions(data) as store:
        states = {name: await store.turn_state(f"local/{name}") for name in names}
    assert set(ended) == set(names)
    finished = {name for name, event in ended.items() if isinstance(event, TurnFinished)}
    assert early <= finished < set(names)
    assert {
        name for name, state in states.items() if state and state.state == "finished"
    } == finished
    assert {state.state for state in states.values() if state} == {"finished", "failed"}
    assert {turn.id for session in kept for turn in session.turns} == {
        f"local/{name}" for name in finished
    }
    assert {len(session.turns) for session in kept} == {1}
    assert all(session.evidence for session in kept)
    lost = {event.code for event in ended.values() if isinstance(event, TurnFailed)}
    assert lost == {"interrupted"}
