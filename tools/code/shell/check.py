"""The check of a shell script: its linters, our rules, what it touches."""

from __future__ import annotations

from collections.abc import Iterator

from tools.code.linting import run_linters
from tools.code.report import CodeReport, Danger
from tools.code.shell import (
    cluster,
    databases,
    deletion,
    failures,
    files,
    filters,
    habits,
    inputs,
    machine,
    network,
    processes,
    repositories,
    secrets,
    terminals,
    waiting,
)
from tools.code.shell.linting import LINTERS
from tools.code.shell.script import Script, read_script
from tools.code.shell.touches import touched

_DANGER_RULES = (
    *deletion.RULES,
    *machine.RULES,
    *processes.RULES,
    *files.RULES,
    *network.RULES,
    *cluster.RULES,
    *repositories.RULES,
    *databases.RULES,
)
_SCRIPT_RULES = (
    *failures.RULES,
    *waiting.RULES,
    *habits.RULES,
    *inputs.RULES,
    *terminals.RULES,
    *filters.RULES,
)


def dangers_of(script: Script) -> Iterator[Danger]:
    """What the script endangers."""
    for command in script.commands:
        for rule in _DANGER_RULES:
            yield from rule(command, script)
    yield from secrets.fixed_secrets(script)


def check_shell(code: str) -> CodeReport:
    """The report of a script for bash, or for the shell that its first line names."""
    linted = run_linters(code, LINTERS)
    script = read_script(code)
    own = [problem for rule in _SCRIPT_RULES for problem in rule(script)]
    return CodeReport(
        "bash",
        (*linted.problems, *own),
        tuple(dangers_of(script)),
        tuple(touched(script)),
        "",
        linted.checked_by,
        linted.not_checked,
    )
