"""The check of a Python program: its compiler, ruff, our rules, what it touches."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.code.linting import run_linters
from tools.code.python import data, files, network, processes
from tools.code.python.calls import Program, read_program
from tools.code.python.linting import LINTERS
from tools.code.python.touches import touched
from tools.code.report import CodeReport, Danger, Problem, own_problem

_RULES = (*processes.RULES, *files.RULES, *data.RULES, *network.RULES)
_PAUSES = (
    "sleep",
    "wait",
    "get",
    "recv",
    "accept",
    "select",
    "input",
    "readline",
    "poll",
    "join",
    "read",
)


def check_python(code: str) -> CodeReport:
    """The report of a program for the Python that runs us."""
    linted = run_linters(code, LINTERS)
    program = read_program(code)
    if program is None:
        return CodeReport(
            "python", linted.problems, (), (), "", linted.checked_by, linted.not_checked
        )
    return CodeReport(
        "python",
        (*linted.problems, *busy_loops(program)),
        tuple(dangers_of(program)),
        tuple(touched(program)),
        "",
        linted.checked_by,
        linted.not_checked,
    )


def dangers_of(program: Program) -> Iterator[Danger]:
    """What the program endangers."""
    for call in program.calls:
        for rule in _RULES:
            yield from rule(call, program)
    yield from network.secrets(program)


def busy_loops(program: Program) -> Iterator[Problem]:
    """`while True` that neither pauses nor ends."""
    for node in program.nodes:
        if not isinstance(node, ast.While) or not _is_endless(node.test):
            continue
        inside = list(ast.walk(node))
        names = {
            program.name_of(one.func).rpartition(".")[2]
            for one in inside
            if isinstance(one, ast.Call)
        }
        leaves = any(
            isinstance(one, ast.Break | ast.Return | ast.Raise | ast.Await | ast.Yield)
            for one in inside
        )
        if not leaves and not names & set(_PAUSES):
            message = "runs without a pause and without an end: it takes a whole core"
            yield own_problem(
                node.lineno, "warning", "busy-loop", message, "time.sleep between, and an end"
            )


def _is_endless(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)
