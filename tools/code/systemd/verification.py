"""What `systemd-analyze verify` says of a unit, in a folder where there is nothing but it.

It loads the unit and starts nothing. What it says of this machine (a program that is not installed
here, a unit that is not) is left out: the code is for another.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.code.report import Problem, Severity
from tools.code.running import CheckerRun, CheckerUnavailable, find_program, run_checker
from tools.code.systemd.units import Unit

TOOL = "systemd-analyze"
_FINDING = re.compile(r"^(?:.*/)?[\w@.\\:-]+:(\d+): (.*)$")
_UNIT_FINDING = re.compile(r"^[\w@.\\:-]+: (.*)$")
_OF_THIS_MACHINE = re.compile(
    r"is not executable|not found|not loaded|Failed to (connect|locate|create|prepare)|"
    r"man page|Unit \S+ not|"
    r"has a bad unit file setting|No such file|Operation not permitted|cgroup"
)
_REFUSED = re.compile(
    r"Refusing|lacks|Unbalanced|Invalid|not absolute|Failed to parse|Unknown|Missing"
)
_UNIT_NAME = re.compile(r"[\w@.:-]{1,200}")


def verified(unit: Unit) -> Iterator[Problem]:
    """What systemd's own parser says; raises CheckerUnavailable."""
    if not _UNIT_NAME.fullmatch(unit.name):
        raise CheckerUnavailable("the unit's name is none")
    # An instance of a template stands for all of them.
    name = unit.name.replace("@.", "@instance.")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / name).write_text(unit.text, errors="replace")
        run = _run(folder, name)
    for line in run.errors.splitlines():
        yield from _problem(line, unit)


def _run(folder: Path, name: str) -> CheckerRun:
    command = [find_program(TOOL), "verify", "--man=no", "--generators=no", "--recursive-errors=no"]
    environment = {
        "SYSTEMD_UNIT_PATH": str(folder),
        "SYSTEMD_COLORS": "0",
        "SYSTEMD_LOG_LOCATION": "0",
    }
    run = run_checker([*command, f"./{name}"], folder=folder, environment=environment)
    if "unrecognized option" in run.errors or "Failed to initialize" in run.errors:
        raise CheckerUnavailable("does not work here: " + run.errors.partition("\n")[0])
    return run


def _problem(line: str, unit: Unit) -> Iterator[Problem]:
    if _OF_THIS_MACHINE.search(line):
        return
    if found := _FINDING.match(line):
        number = unit.first_line + int(found[1]) - 1
        yield Problem(number, None, "error", "unit", _plain(found[2]), TOOL)
    elif found := _UNIT_FINDING.match(line):
        severity: Severity = "error" if _REFUSED.search(found[1]) else "warning"
        yield Problem(unit.first_line, None, severity, "unit", _plain(found[1]), TOOL)


def _plain(message: str) -> str:
    return re.sub(r"\s+", " ", message).strip().removesuffix(" Refusing.")


def systemd_version() -> str:
    """The version of systemd; raises CheckerUnavailable."""
    run = run_checker([find_program(TOOL), "--version"])
    found = re.match(r"systemd (\d+)", run.output)
    return found[1] if found else "of unknown version"
