"""The check of unit files: systemd's own parser where it is, our rules, what the units start."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.linting import Linter, run_linters
from tools.code.report import CodeReport, Danger, Problem, excerpt, own_problem
from tools.code.systemd.mistakes import EXEC_KEYS, unit_problems
from tools.code.systemd.units import Unit, read_units
from tools.code.systemd.verification import TOOL, systemd_version, verified

_SECRET = re.compile(
    r"(?i)\w*(password|passwd|token|secret|api_?key|access_?key)\w*=(?![\"']?(\s|$|%|/|<))"
)


def check_systemd(code: str) -> CodeReport:
    """The report of one unit file, or of several that comments with their names begin."""
    units = read_units(code)
    linted = run_linters(code, (Linter(TOOL, systemd_version, _verified),))
    own = [problem for unit in units for problem in unit_problems(unit)]
    if not any(unit.sections for unit in units):
        own.append(own_problem(1, "error", "no-section", "no section: no unit file", "[Unit]"))
    return CodeReport(
        "systemd",
        (*own, *_not_said(linted.problems, own)),
        tuple(danger for unit in units for danger in unit_dangers(unit)),
        tuple(line for unit in units for line in _touched(unit)),
        "\n".join(f"systemd-analyze verify ./{unit.name}" for unit in units),
        (*linted.checked_by, "own rules for units"),
        linted.not_checked,
    )


def _verified(code: str) -> Iterator[Problem]:
    for unit in read_units(code):
        yield from verified(unit)


def _not_said(problems: tuple[Problem, ...], own: list[Problem]) -> Iterator[Problem]:
    """What systemd says of lines of which our rules say nothing."""
    said = {one.line for one in own if one.severity == "error"}
    yield from (one for one in problems if one.line not in said)


def unit_dangers(unit: Unit) -> Iterator[Danger]:
    """What its commands destroy, and secrets in it."""
    for entry in unit.of("Service", *EXEC_KEYS):
        from tools.code.shell.check import dangers_of
        from tools.code.shell.script import read_script

        command = re.sub(r"^[@:+!|-]+", "", entry.value)
        for danger in dangers_of(read_script(command)):
            yield Danger(entry.line, excerpt(entry.text), danger.what, danger.advice)
    for entry in unit.of("Service", "Environment"):
        if _SECRET.search(entry.value):
            what = "a secret stands in the unit, which everybody may read"
            advice = "EnvironmentFile= with mode 600, or LoadCredential="
            yield Danger(entry.line, excerpt(entry.text), what, advice)


def _touched(unit: Unit) -> Iterator[str]:
    yield f"unit {unit.name}"
    for entry in unit.of("Service", *EXEC_KEYS):
        yield f"runs {entry.value}"
    user = unit.value("Service", "User")
    if unit.has("Service"):
        yield f"as user {user or 'root'}"
    for section in ("Socket", "Timer"):
        for entry in unit.entries:
            if entry.section == section and entry.key.startswith(("Listen", "On")):
                yield f"{entry.key}={entry.value}"
