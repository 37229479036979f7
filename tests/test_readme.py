"""Every command in README.md works as it stands there."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.settings import CONFIG_VARIABLE, ENVIRONMENT_PREFIX

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(README)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
MAKE_COMMANDS = [command for command in COMMANDS if command.startswith("make ")]
# It goes on until it is ended: tests/assistant/cli/test_serve.py runs it.
ENDLESS_COMMANDS = ["midwatch serve"]
RUN_COMMANDS = [one for one in COMMANDS if one not in (*MAKE_COMMANDS, *ENDLESS_COMMANDS)]

FIRST_LINE_AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
RUNBOOK = """\
# Payments: card gateway refuses the token

payments exits with status 3 when the card gateway refuses its token.

## Fix

1. Put the next token in place.
2. Start payments.
"""


def test_it_gives_the_two_commands_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


def test_it_has_no_blocks_that_nobody_tries() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "toml"}


@pytest.mark.parametrize("command", MAKE_COMMANDS)
def test_make_command_names_a_target(command: str) -> None:
    [target] = command.split()[1:]
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.model
@pytest.mark.system
@pytest.mark.parametrize("command", RUN_COMMANDS)
def test_command_works(command: str, outcomes: dict[str, subprocess.CompletedProcess[str]]) -> None:
    outcome = outcomes[command]
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip(), outcome.stderr
    if "--json" in command:
        json.loads(outcome.stdout)


@pytest.fixture(scope="module")
def outcomes(sandbox: Path, models_dir: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """What became of each command, all of them run in the order of the page."""
    return {command: run(command, sandbox, models_dir) for command in RUN_COMMANDS}


def run(command: str, folder: Path, models: Path) -> subprocess.CompletedProcess[str]:
    programs = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    foreign = {name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    environment |= {
        "PATH": os.pathsep.join(programs),
        "XDG_CONFIG_HOME": str(folder / "config"),
        CONFIG_VARIABLE: str(folder / "quick.toml"),
        "MIDWATCH_MODEL_DIR": str(models),
    }
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Path]:
    """A folder with all that the page's commands name, and a supervisord that answers."""
    # Short, because a socket's path may not be long.
    with tempfile.TemporaryDirectory(prefix="readme-", dir="/tmp") as name:
        folder = Path(name)
        write_evidence(folder)
        write_settings(folder)
        with supervisord(folder):
            yield folder


def write_evidence(folder: Path) -> None:
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "payments.md").write_text(RUNBOOK)
    bundle = folder / "support-bundle"
    (bundle / "logs").mkdir(parents=True)
    for log in (folder / "checkout.log", bundle / "logs" / "checkout.log"):
        log.write_text(log_text())
    (bundle / "df.txt").write_text(
        "Filesystem Size Used Avail Use% Mounted on\n/dev/sda 9G 9G 0 100% /\n"
    )
    (bundle / "metrics").mkdir()
    (bundle / "metrics" / "checkout.csv").write_text(table_text())
    (folder / "bin").mkdir()
    journalctl = folder / "bin" / "journalctl"
    journalctl.write_text(f"#!/bin/sh\ncat '{folder}/checkout.log'\n")
    journalctl.chmod(0o755)


def log_text() -> str:
    """Three hours of a log, with errors at its end."""
    lines = []
    for minute in range(180):
        at = (FIRST_LINE_AT + timedelta(minutes=minute)).isoformat()
        lines.append(f"{at} INFO checkout: order {minute} paid\n")
        if minute > 170:
            lines.append(f"{at} ERROR checkout: payments unreachable: connection refused\n")
    return "".join(lines)


def table_text() -> str:
    """A metric over the same three hours, that rises when the errors begin."""
    rows = ["timestamp,metric,value\n"]
    for minute in range(180):
        at = (FIRST_LINE_AT + timedelta(minutes=minute)).isoformat()
        rows.append(f"{at},checkout_requests_waiting,{40 if minute > 170 else minute % 3}\n")
    return "".join(rows)


def write_settings(folder: Path) -> None:
    """The settings that the page shows, with this folder's paths, and those that make it quick."""
    [shown] = [text for kind, text in BLOCKS if kind == "toml"]
    here = shown.replace("/run/", f"{folder}/").replace("/var/log/checkout/", f"{folder}/")
    assert here != shown
    (folder / "midwatch.toml").write_text(here)
    (folder / "quick.toml").write_text(
        f'[model]\nname = "qwen2.5-coder-0.5b"\n[data]\ndir = "{folder}/data"\n'
    )


@contextmanager
def supervisord(folder: Path) -> Iterator[None]:
    """supervisord with one program, answering at the socket of the page's settings."""
    socket = folder / "supervisor.sock"
    configuration = folder / "supervisord.conf"
    configuration.write_text(
        f"[supervisord]\nlogfile={folder}/supervisord.log\npidfile={folder}/supervisord.pid\n"
        f"[unix_http_server]\nfile={socket}\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        "[program:checkout]\ncommand=sleep 600\n"
    )
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)
