"""What `bash -n` and ShellCheck say of a script, which neither of them runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.code.linting import Linter
from tools.code.report import Problem, Severity
from tools.code.running import CheckerUnavailable, find_program, run_checker

BASH = "bash -n"
SHELLCHECK = "ShellCheck"
_SEVERITIES: dict[str, Severity] = {
    "error": "error",
    "warning": "warning",
    "info": "info",
    "style": "info",
}
_SHELLS = ("bash", "sh", "dash", "ksh", "busybox")
_SYNTAX = re.compile(r"line (\d+): (.*)")
# "Not following" a sourced file, and "this function is never called": both are of one file alone.
_NOT_SAID = ("SC1090", "SC1091", "SC2317", "SC2329")


def syntax_problems(code: str) -> Iterator[Problem]:
    """What bash's own parser says; raises CheckerUnavailable."""
    run = run_checker([find_program("bash"), "--norc", "--noprofile", "-n"], code)
    for line in run.errors.splitlines():
        found = _SYNTAX.search(line)
        # The line of code that follows each message begins with a backtick.
        if found and not found[2].startswith("`"):
            is_warning = found[2].startswith("warning")
            severity: Severity = "warning" if is_warning else "error"
            yield Problem(int(found[1]), None, severity, "syntax", found[2], BASH)


def bash_version() -> str:
    """The version of bash; raises CheckerUnavailable."""
    run = run_checker([find_program("bash"), "--version"])
    found = re.search(r"version (\S+?)[(-]", run.output)
    return found[1] if found else "of unknown version"


def shellcheck_problems(code: str) -> Iterator[Problem]:
    """ShellCheck's comments, with what it would write instead; raises CheckerUnavailable."""
    command = [find_program("shellcheck"), "--norc", "--format=json1", *_dialect(code), "-"]
    run = run_checker(command, code)
    try:
        comments = json.loads(run.output)["comments"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckerUnavailable(f"answered nothing (status {run.status})") from error
    lines = code.splitlines()
    for comment in comments:
        problem = _problem(comment, lines)
        if problem.code not in _NOT_SAID:
            yield problem


def shellcheck_version() -> str:
    """The version of ShellCheck; raises CheckerUnavailable."""
    found = re.search(
        r"^version: (\S+)", run_checker([find_program("shellcheck"), "-V"]).output, re.M
    )
    return found[1] if found else "of unknown version"


def _dialect(code: str) -> list[str]:
    """Bash where the script itself names no shell that ShellCheck knows."""
    first = code.partition("\n")[0]
    names = re.findall(r"[\w-]+", first) if first.startswith("#!") else []
    return [] if set(names) & set(_SHELLS) else ["--shell=bash"]


def _problem(comment: Mapping[str, Any], lines: Sequence[str]) -> Problem:
    code = f"SC{comment['code']}"
    return Problem(
        comment["line"],
        comment["column"],
        _SEVERITIES.get(comment["level"], "info"),
        code,
        comment["message"],
        SHELLCHECK,
        _fixed_line(comment, lines),
    )


def _fixed_line(comment: Mapping[str, Any], lines: Sequence[str]) -> str:
    """The line with ShellCheck's own replacements in place; empty where it has none."""
    number = comment["line"]
    fix = comment.get("fix") or {}
    edits = sorted(
        fix.get("replacements", []), key=lambda one: (-one["column"], -one["precedence"])
    )
    if (
        not edits
        or number > len(lines)
        or any(one["line"] != number or one["endLine"] != number for one in edits)
    ):
        return ""
    text: str = lines[number - 1]
    if "\t" in text:
        # It counts a tab as eight columns.
        return ""
    for edit in edits:
        text = text[: edit["column"] - 1] + edit["replacement"] + text[edit["endColumn"] - 1 :]
    return text.strip()


LINTERS = (
    Linter(BASH, bash_version, syntax_problems),
    Linter(SHELLCHECK, shellcheck_version, shellcheck_problems),
)
