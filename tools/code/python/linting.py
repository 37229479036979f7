"""What Python's compiler and ruff say of a code, which neither of them runs."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from tools.code.linting import Linter, version_of
from tools.code.report import Problem, Severity
from tools.code.running import CheckerUnavailable, find_program, run_checker

COMPILER = "python"
RUFF = "ruff"

# What fails or misleads in a script that runs once: no taste, no layout.
_SELECTED = (
    "E9,F,B,PLE,E711,E712,E721,E722,W605,S110,S112,S113,S323,S506,SIM115,PLW1508,PLW1509,PLW1510,"
    "RUF006,RUF012,ASYNC,PLR1722,DTZ003,DTZ004,PLW0602,PLW0711,PLW2101"
)
_ERRORS = ("E9", "F5", "F63", "F70", "F82", "PLE", "invalid-syntax")
_NOTES = ("F401", "F841", "F541", "B007", "B904", "B905", "PLR1722", "SIM115", "RUF012")


def compiler_problems(code: str) -> Iterator[Problem]:
    """What the compiler refuses, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile(code, "<code>", "exec", dont_inherit=True)
        except SyntaxError as error:
            line, column = error.lineno or None, error.offset or None
            yield Problem(line, column, "error", "syntax", error.msg or "invalid syntax", COMPILER)
        except (ValueError, RecursionError, MemoryError) as error:
            message = str(error) or "it is nested too deeply"
            yield Problem(None, None, "error", "syntax", message, COMPILER)
    for one in caught:
        yield Problem(one.lineno, None, "warning", "syntax", str(one.message), COMPILER)


def ruff_problems(code: str) -> Iterator[Problem]:
    """Ruff's findings, under no configuration but ours; raises CheckerUnavailable."""
    command = [
        find_program("ruff"),
        "check",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--no-fix",
        "--output-format=json",
        "--target-version=py311",
        f"--select={_SELECTED}",
        "--stdin-filename=code.py",
        "-",
    ]
    run = run_checker(command, code)
    try:
        findings = json.loads(run.output)
    except ValueError as error:
        raise CheckerUnavailable(f"answered nothing (status {run.status})") from error
    # The compiler has said already what does not parse.
    yield from (
        _problem(one) for one in findings if (one["code"] or "invalid-syntax") != "invalid-syntax"
    )


def _problem(finding: Mapping[str, Any]) -> Problem:
    code = finding["code"]
    fix = (finding.get("fix") or {}).get("message") or ""
    place = finding["location"]
    return Problem(
        place["row"], place["column"], _severity(code), code, finding["message"], RUFF, fix
    )


def _severity(code: str) -> Severity:
    if code.startswith(_ERRORS):
        return "error"
    return "info" if code in _NOTES else "warning"


LINTERS = (
    Linter(COMPILER, platform.python_version, compiler_problems),
    Linter(RUFF, lambda: version_of("ruff"), ruff_problems),
)
