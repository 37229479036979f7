"""`midwatch top` against a real server: printed, as JSON, and redrawn on a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from assistant.cli.context import Context
from assistant.cli.top import run_top, top
from assistant.cli.top_views import Reading, rendered
from assistant.client.finding import ServerAddress
from assistant.client.http import open_client
from assistant.engine.interface import EngineStatus
from assistant.errors import ServerError
from assistant.events import TextDelta, TurnStarted
from assistant.observing.metrics import Metrics
from assistant.observing.server_view import view_server
from tests.assistant.observing.scene import BUSY, STREAMING, Clock, finished
from tests.assistant.observing.served import served
from tests.tools.metrics.prometheus_server import free_port

_LIMIT_S = 60.0


class Engines:
    """An engine that generates 100 tokens and computes 300 from one look to the next."""

    def __init__(self) -> None:
        self.num_looks = 0

    def __call__(self) -> dict[str, EngineStatus]:
        self.num_looks += 1
        return {
            "small": replace(
                BUSY,
                num_generated_tokens=100 * self.num_looks,
                num_computed_tokens=300 * self.num_looks,
            )
        }


@contextmanager
def a_server() -> Iterator[ServerAddress]:
    with served(metrics_of_a_server(), approvals=2) as url:
        yield ServerAddress(url=url, token="t")


def metrics_of_a_server() -> Metrics:
    metrics = Metrics("1.2.3", Engines())
    turn = metrics.turn("cli")
    turn.observe(TurnStarted("s", "?"))
    turn.observe(TextDelta("a"))
    turn.observe(finished())
    metrics.turn("cli")
    return metrics


def run(address: ServerAddress, **options: bool) -> None:
    async def main() -> None:
        async with open_client(address) as client:
            await run_top(client, 0.1, **options)

    asyncio.run(main())


def test_one_reading_is_printed_with_its_rates(capsys: pytest.CaptureFixture[str]) -> None:
    with a_server() as address:
        run(address, is_once=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("midwatch 1.2.3, up ")
    assert lines[0].endswith(
        "   turns: 0 running, 1 waiting   event streams: 0   approvals waiting: 2"
    )
    assert lines[1].startswith("last 5 min: 1 turn   first word: p50 0.00 s, p95 0.00 s")
    assert lines[3] == "small   running: 1 of 16   waiting: 1   gave way: 2"
    assert lines[4].startswith("cache: 2,048 of 32,768 cells (6%)   hits: 80%   tokens/s: ")
    assert lines[5].split() == ["class", "state", "prompt", "cached", "answer", "age"]
    assert lines[6].split() == ["chat", "decode", "700", "93%", "61/256", "2.5", "s"]
    assert lines[7].split() == ["background", "waiting", "400", "0%", "0/64", "9.0", "s"]
    assert "".join(lines[8:]) == ""


def test_json_is_the_servers_and_the_rates(capsys: pytest.CaptureFixture[str]) -> None:
    with a_server() as address:
        run(address, is_once=True, is_json=True)
    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["approvals_waiting"] == 2
    assert told["recent"]["num_turns"] == 1
    assert told["engines"][0]["requests"][0]["request_class"] == "chat"
    found = told["rates"]["small"]
    assert found["generated_per_s"] > 0
    assert found["prompt_per_s"] == pytest.approx(2 * found["generated_per_s"])


def test_without_a_terminal_readings_follow_one_another_until_the_server_ends() -> None:
    code = (
        "import asyncio, sys; from assistant.cli.top import run_top\n"
        "from assistant.client.http import open_client\n"
        "from assistant.client.finding import ServerAddress\n"
        "address = ServerAddress(url=sys.argv[1], token='t')\n"
        "asyncio.run(run_top(open_client(address), 0.1, is_json=True))"
    )
    with a_server() as address:
        command = [sys.executable, "-c", code, address.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            readings = [json.loads(process.stdout.readline()) for _ in range(3)]
            process.kill()
    assert [bool(reading["rates"]) for reading in readings] == [False, True, True]
    assert readings[2]["uptime_s"] > readings[1]["uptime_s"]


def test_where_nobody_answers_it_says_so() -> None:
    with pytest.raises(ServerError, match="does not answer"):
        run(ServerAddress(url=f"http://127.0.0.1:{free_port()}", token="t"), is_once=True)


def test_without_a_server_the_command_says_what_to_do(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(top)
    context = Context(None, {"data.dir": str(tmp_path)}, verbose=False)
    with pytest.raises(ServerError, match="no server runs") as refused:
        app(["--once"], obj=context, standalone_mode=False)
    assert "midwatch serve" in refused.value.hint


def shown(reading: Reading, problem: str = "", **options: int) -> str:
    from rich.console import Console

    written = io.StringIO()
    Console(width=200, file=written).print(rendered(reading, problem, **options))
    return written.getvalue()


def test_a_view_of_little() -> None:
    clock = Clock()
    metrics = Metrics("1.2.3", clock=clock)
    clock.now += 3600 * 26
    text = shown(Reading(view_server(metrics, None)), "it is away\x1b[2J")
    assert "up 1 d 2 h" in text
    assert "approvals waiting: unknown" in text
    assert "no local model is loaded" in text
    assert "it is away\\x1b[2J" in text
    assert "first word" not in text


def test_what_has_no_room_is_counted() -> None:
    prefilling = replace(STREAMING, state="prefill", num_computed_tokens=64)
    status = replace(BUSY, requests=(prefilling,) * 30)
    view = view_server(Metrics("1", lambda: {"[red]evil\x1b": status}), 0)
    text = shown(Reading(view), max_requests=10)
    assert text.count("prefill") == 10
    assert "64/700" in text
    assert "… and 20 more" in text
    assert "[red]evil\\x1b" in text


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, url: str) -> None:
        code = (
            "import asyncio, sys; from assistant.cli.top import run_top\n"
            "from assistant.client.http import open_client\n"
            "from assistant.client.finding import ServerAddress\n"
            "address = ServerAddress(url=sys.argv[1], token='t')\n"
            "asyncio.run(run_top(open_client(address), 0.1))"
        )
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, url],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + _LIMIT_S
        while text not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65_536).decode(errors="replace")

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with a_server() as address:
        terminal = Terminal(address.url)
        try:
            terminal.wait_for("tokens/s")
            yield terminal
        finally:
            terminal.close()


def test_a_terminal_is_redrawn_until_q(terminal: Terminal) -> None:
    assert "running: 1 of 16" in terminal.text
    assert "background" in terminal.text
    assert not terminal.echoes
    terminal.press("x")
    terminal.text = ""
    terminal.wait_for("tokens/s")
    terminal.press("q")
    terminal.wait_for("\x1b[?1049l")
    assert terminal.process.wait(_LIMIT_S) == 0
    assert terminal.echoes


def test_an_interrupt_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGINT)
    terminal.wait_for("KeyboardInterrupt")
    assert "\x1b[?1049l" in terminal.text
    terminal.process.wait(_LIMIT_S)
    assert terminal.echoes


def test_a_view_outlives_its_server(tmp_path: Path) -> None:
    with a_server() as address:
        terminal = Terminal(address.url)
        try:
            terminal.wait_for("tokens/s")
        except BaseException:
            terminal.close()
            raise
    try:
        terminal.wait_for("does not answer")
        terminal.wait_for("this is what it was before")
        terminal.press("q")
        assert terminal.process.wait(_LIMIT_S) == 0
    finally:
        terminal.close()
