"""What code can put right in a text of the model without asking it again.

Only fixes that keep what is meant: the first lines of a script, and of what ShellCheck and ruff
find, that which has one remedy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.code.report import Language
from tools.code.running import CheckerUnavailable, find_program, run_checker

_SHEBANG = "#!/usr/bin/env bash"
_STRICT = "set -euo pipefail"
_SETS_ERREXIT = re.compile(r"^set -\w*e\w*\b.*$", re.MULTILINE)
_UNQUOTED = 2086
# Those whose own fix is taken: quotes, and $(…) for backticks.
_HAVE_FIX = frozenset((_UNQUOTED, 2006))
_UNQUOTED_ARRAY = 2068
_READ_WITHOUT_R = 2162
_VARIABLE = re.compile(r"\$\{?(\w+)")
# Several words in one variable are meant to be several.
_MANY = re.compile(r"(?:\w*[a-rt-z]s|.*(?:opts?|args?|flags?|cmd|command|options|list))", re.I)


# As ShellCheck writes them: places count from 1, an end is the place behind it.
_Comment = dict[str, Any]
_Edit = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repaired:
    """The code, and what was put right in it."""

    code: str
    fixes: tuple[str, ...] = ()


def repair(language: Language, code: str) -> Repaired:
    """`code` with what tools can fix by themselves fixed. Runs programs; never the code."""
    match language:
        case "bash":
            return _repair_bash(code)
        case "python":
            return _repair_python(code)
        case "kubernetes" | "ansible" | "yaml":
            return _without_tabs(code)
        case _:
            return Repaired(code)


def _repair_bash(code: str) -> Repaired:
    fixes = []
    if not code.startswith("#!"):
        code = f"{_SHEBANG}\n{code}"
        fixes.append("added the shebang line")
    if not _SETS_ERREXIT.search(code):
        first, _, rest = code.partition("\n")
        code = f"{first}\n{_STRICT}\n{rest}"
        fixes.append(f"added {_STRICT}")
    fixed, codes = _with_shellcheck_fixes(code)
    fixes += [f"ShellCheck's fix for SC{number}" for number in codes]
    return Repaired(fixed, tuple(fixes))


def _repair_python(code: str) -> Repaired:
    try:
        command = [find_program("ruff"), "check", "--isolated", "--fix", "--exit-zero", "--quiet"]
        run = run_checker([*command, "--stdin-filename", "program.py", "-"], code)
    except CheckerUnavailable:
        return Repaired(code)
    fixed = run.output
    if run.status != 0 or not fixed.strip() or fixed == code:
        return Repaired(code)
    return Repaired(fixed, ("ruff's safe fixes",))


def _without_tabs(code: str) -> Repaired:
    """YAML may not be indented by tabs."""
    fixed = re.sub(r"^[ \t]+", lambda match: match[0].expandtabs(2), code, flags=re.MULTILINE)
    return Repaired(fixed, ("tabs made blanks",) if fixed != code else ())


def _with_shellcheck_fixes(code: str) -> tuple[str, list[int]]:
    """The script with the fixes that keep its meaning, and the codes of what they fix."""
    try:
        command = [find_program("shellcheck"), "--norc", "--shell=bash", "--format=json1", "-"]
        comments = json.loads(run_checker(command, code).output)["comments"]
    except (CheckerUnavailable, ValueError, KeyError, TypeError):
        return code, []
    lines = code.split("\n")
    found = [(comment["code"], _edits(comment, lines)) for comment in comments]
    edits = [edit for _, edits in found for edit in edits]
    return _edited(lines, edits), sorted({number for number, edits in found if edits})


def _edits(comment: _Comment, lines: Sequence[str]) -> Sequence[_Edit]:
    """How to change the lines for this comment; not at all where that is not sure."""
    text = lines[comment["line"] - 1][comment["column"] - 1 : comment["endColumn"] - 1]
    if comment["code"] == _UNQUOTED_ARRAY:
        return [_replacement(comment, f'"{text}"')]
    if comment["code"] == _READ_WITHOUT_R and text.startswith("read"):
        return [_replacement(comment, f"read -r{text.removeprefix('read')}")]
    if comment["code"] not in _HAVE_FIX or not comment.get("fix"):
        return []
    variable = _VARIABLE.match(text)
    if comment["code"] == _UNQUOTED and (variable is None or _MANY.fullmatch(variable[1])):
        return []
    edits: Sequence[_Edit] = comment["fix"]["replacements"]
    return edits if all(edit["line"] == edit["endLine"] for edit in edits) else []


def _replacement(comment: _Comment, text: str) -> _Edit:
    return {**comment, "replacement": text, "precedence": 0}


def _edited(lines: Sequence[str], edits: Sequence[_Edit]) -> str:
    """The lines with the replacements, each within a line.

    Made from the end, so that places stay what they are; one that overlaps another is left out.
    """
    changed = list(lines)
    places = sorted(
        edits, key=lambda edit: (edit["line"], edit["column"], edit["precedence"]), reverse=True
    )
    last = (len(changed) + 1, 0)
    for edit in places:
        row, start, end = edit["line"] - 1, edit["column"] - 1, edit["endColumn"] - 1
        if (row, end) > last:
            continue
        changed[row] = changed[row][:start] + edit["replacement"] + changed[row][end:]
        last = (row, start)
    return "\n".join(changed)
