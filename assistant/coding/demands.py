"""Demands of a request that a script shows no trace of: small models drop one of several.

Each rule looks for what a script that does as asked cannot be without. A trace is no proof, so that
a finding is a warning: it goes back to the model, and code with it is still code that may be run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

from assistant.coding.filling import files_read, values_of
from tools.code.report import Problem, own_problem

_COMMENT = re.compile(r"^\s*#.*$|\s#\s.*$", re.MULTILINE)
_ORDER = re.compile(
    r"\b(?:sorted|ascending|descending|alphabetical\w*|in order of)\b"
    r"|\b(?:largest|biggest|smallest|most|highest|lowest|newest|latest|oldest)(?: \w+)? first\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(r"sort|ls +-\w*[tS]|\btac\b")
# The shell's patterns come in the order of their names.
_GLOB = re.compile(r"\bfor \w+ in [^;\n]*[*?]")
_OUTPUT_OF = re.compile(
    r"\b(?:has|have|contains?|holds?|is) the output of (?:the command )?[\"'`]?(\w[\w-]*)"
)
_STATUS = re.compile(
    r"\bexit (?:with )?(?:the )?(?:exit )?(?:status|code)? ?[1-9]\b", re.IGNORECASE
)
_FORMAT = re.compile(r"\"((?:[A-Za-z_]+ )+[A-Za-z_]+)\"(?= (?:per|for|on|line)|[.,;]|$)")
_PRINTS = re.compile(r"^\s*(?:echo|printf)\s+[\"']([^\"'$%]+?)(?:\\n)?[\"']\s*$", re.MULTILINE)
_DELETES = re.compile(r"^\s*(find .*-delete\b.*)$", re.MULTILINE)
_HIDES = re.compile(
    r"^[ \t]*(?!.*\b(?:grep|diff|cmp|read|kill|rm|comm|pgrep|fuser)\b)(\S.*\|\| *true)", re.M
)
# Within one command or pipeline: what is before "; " or "&& " is over by then.
_EMPTIED = re.compile(
    r"^(?:(?!; |&& )[^>\n])*\s([\w./-]*\w)(?: (?:(?!; |&& )[^>\n])*)? > ?\1\s*$", re.MULTILINE
)
_MIN_TELLING_CHARS = 12
_MAX_SAME = 2
_MAX_TASK_CHARS = 4_000

Rule = Callable[[str, str], Iterator[str]]
"""Task and code (without comments) in, a sentence for each finding out."""


def unmet_demands(task: str, code: str) -> tuple[Problem, ...]:
    """A warning for each demand of `task` that left no trace in `code`, a script."""
    plain = _COMMENT.sub("", code)
    task = task[:_MAX_TASK_CHARS]
    found = dict.fromkeys(chain.from_iterable(rule(task, plain) for rule in _RULES))
    return tuple(own_problem(None, "warning", "demand", message) for message in found)


def _unread(task: str, code: str) -> Iterator[str]:
    for name in files_read(task):
        ending = name.rsplit(".", 1)[-1]
        if not _mentions(code, name) and not re.search(rf"\*[\w.]*\.{ending}\b|\*[\"' ]", code):
            yield f"the task names {name}, and nothing in the script uses it"


def _unwritten(task: str, code: str) -> Iterator[str]:
    name = values_of(task).get("OUT", "")
    if name and not _mentions(code, name):
        yield f"the result belongs into the file {name}, and nothing writes it"


def _mentions(code: str, name: str) -> bool:
    """Whether a script can mean that file: its name, or its beginning with a variable behind."""
    stem = name.rsplit(".", 1)[0]
    return name.rsplit("/", 1)[-1] in code or bool(re.search(rf"{re.escape(stem)}[\w.]*\$", code))


def _unordered(task: str, code: str) -> Iterator[str]:
    if (asked := _ORDER.search(task)) and not _ORDERS.search(code) and not _GLOB.search(code):
        yield f'the task wants an order ("{asked[0]}"), and nothing sorts'


def _uncounted(task: str, code: str) -> Iterator[str]:
    number = values_of(task).get("N", "")
    near = (number, str(int(number) + 1), str(int(number) - 1)) if number else ()
    if near and not any(re.search(rf"(?<![\d.$]){one}(?!\d)", code) for one in near):
        yield f"the task speaks of {number} of them, and nothing in the script limits to {number}"


def _run_not_read(task: str, code: str) -> Iterator[str]:
    for name in _OUTPUT_OF.findall(task):
        if files_read(task) and re.search(rf"(?:^|[|;(&])\s*{re.escape(name)}\b(?!\.)", code, re.M):
            yield f"the output of {name} is in a file already: read the file, do not run {name}"


def _no_status(task: str, code: str) -> Iterator[str]:
    if _STATUS.search(task) and not re.search(r"\bexit\b|\breturn\b", code):
        yield "the task wants an exit status, and the script sets none"


def _format_said(task: str, code: str) -> Iterator[str]:
    formats = set(_FORMAT.findall(task))
    for said in _PRINTS.findall(code):
        if said in formats and len(said.split()) > 1 and any(w.isupper() for w in said.split()):
            yield f'"{said}" is the form of a line, not a text to print'


def _deleted_twice(_: str, code: str) -> Iterator[str]:
    starts = Counter(" ".join(one.split()[:2]) for one in _DELETES.findall(code))
    for start, number in starts.items():
        if number > 1:
            yield f"`{start} … -delete` runs {number} times: what is gone cannot be counted later"


def _hidden(_: str, code: str) -> Iterator[str]:
    for line in _HIDES.findall(code):
        yield f"`{line}` hides a failure: leave out the || true"


def _overwritten(_: str, code: str) -> Iterator[str]:
    for name in _EMPTIED.findall(code):
        yield f"{name} is emptied before it is read: read another file, or use sed -i"


def _circling(_: str, code: str) -> Iterator[str]:
    lines = Counter(line.strip() for line in code.splitlines())
    for line, number in lines.items():
        if number > _MAX_SAME and len(line) >= _MIN_TELLING_CHARS:
            yield f"`{line}` stands there {number} times"


_RULES: tuple[Rule, ...] = (
    _unread,
    _unwritten,
    _unordered,
    _uncounted,
    _run_not_read,
    _no_status,
    _format_said,
    _deleted_twice,
    _hidden,
    _overwritten,
    _circling,
)
