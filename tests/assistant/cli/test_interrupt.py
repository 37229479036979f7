"""Ctrl-C, a closed pipe and a killed process: a command ends at once and leaves nothing half."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.assistant.cli.conftest import payments_lines
from tests.assistant.cli.program import LIGHT_MODEL, Program, Ran


@pytest.fixture
def spool(program: Program, tmp_path: Path) -> Path:
    """Where standard input is kept meanwhile."""
    folder = tmp_path / "spool"
    folder.mkdir()
    program.environment["TMPDIR"] = str(folder)
    return folder


def await_(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def database(program: Program) -> Path:
    return Path(program.environment["MIDWATCH_DATA_DIR"]) / "sessions.db"


def interrupted(program: Program, process: subprocess.Popen[str]) -> Ran:
    """What is left after Ctrl-C, asserting that it is what it should be."""
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    ran = program.wait(process)
    assert ran.status == 130, ran.err
    assert ran.said.endswith("interrupted\n")
    assert time.monotonic() - began < 30
    return ran


def nothing_is_kept(program: Program) -> None:
    """Assert that no session has come of it, and that the next question is answered."""
    with closing(sqlite3.connect(database(program))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert json.loads(program.run("sessions", "list", "--json").out)["sessions"] == []
    again = program.run("ask", "are you still there?")
    assert again.status == 0, again.err
    assert "I cannot tell" in again.out


INTERRUPTED_IMPORT = """
import builtins, os, signal
from assistant.cli.__main__ import main

really_import = builtins.__import__

def interrupting_import(name, *rest):
    if name == "assistant.cli.main":
        os.kill(os.getpid(), signal.SIGINT)
    return really_import(name, *rest)

builtins.__import__ = interrupting_import
main()
"""


def test_while_it_still_imports() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True)
    # A shell reports the signal as 130.
    assert done.returncode == -signal.SIGINT
    assert done.stderr == b""


@pytest.mark.model
def test_while_it_starts(program: Program, payments_log: Path) -> None:
    process = program.start("ask", "-f", payments_log, "why?")
    await_(database(program).exists)
    assert interrupted(program, process).out == ""


@pytest.mark.model
def test_impatiently(program: Program, payments_log: Path) -> None:
    process = program.start("ask", "-f", payments_log, "why?")
    await_(database(program).exists)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    ran = program.wait(process)
    assert ran.status == 130
    assert "Traceback" not in ran.err


@pytest.mark.model
def test_while_it_reads_a_long_log(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_text("".join(payments_lines()) * 2000)
    process = program.start("ask", "-f", path, "why?")
    await_(database(program).exists)
    time.sleep(0.5)
    assert interrupted(program, process).out == ""
    assert interrupted_logs(program, path).out == ""


def interrupted_logs(program: Program, path: Path) -> Ran:
    process = program.start("logs", path)
    time.sleep(1)
    return interrupted(program, process)


@pytest.mark.model
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_while_it_answers(
    sent: signal.Signals, program: Program, payments_log: Path, spool: Path
) -> None:
    with payments_log.open() as log:
        process = program.start("ask", "what is wrong?", stdin=log)
    assert process.stdout is not None
    began = process.stdout.read(1)
    assert began == "*"
    if sent == signal.SIGKILL:
        process.kill()
        assert program.wait(process).status == -signal.SIGKILL
    else:
        assert len(list(spool.glob("midwatch-*"))) == 1
        ran = interrupted(program, process)
        assert ran.out.endswith("\n")
        assert list(spool.glob("midwatch-*")) == []
    nothing_is_kept(program)


@pytest.mark.model
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_while_it_quantizes(sent: signal.Signals, program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    # This type takes a minute.
    process = program.start(
        *("model", "quantize", LIGHT_MODEL, "--to", "iq4_xs", "--output", folder / "new.gguf")
    )
    partial = folder / ".new.gguf.quantizing"
    await_(lambda: partial.exists() and partial.stat().st_size > 0)
    (quantizer,) = psutil.Process(process.pid).children()
    if sent == signal.SIGINT:
        interrupted(program, process)
    else:
        process.send_signal(sent)
        assert program.wait(process).status == -sent
    await_(lambda: not quantizer.is_running())
    assert list(folder.iterdir()) == []


def test_while_it_waits_for_its_input(program: Program, spool: Path) -> None:
    process = program.start("ask", "why?", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("ERROR\n")
    process.stdin.flush()
    await_(lambda: bool(list(spool.iterdir())))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert list(spool.iterdir()) == []
    assert program.wait(process).said.endswith("interrupted\n")


@pytest.mark.parametrize("command", [("logs",), ("logs", "--json")])
def test_a_reader_that_has_gone_away(
    command: tuple[str, ...], program: Program, payments_log: Path
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "w", encoding="utf-8") as nobody:  # noqa: PTH123 - it has no path
        process = program.start(*command, payments_log, stdout=nobody)
    ran = program.wait(process)
    assert "midwatch:" not in ran.said
    assert "pipe" not in ran.said.lower()
