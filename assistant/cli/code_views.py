"""What the checks of code say, for a person: problems, dangers, what it touches, its dry form."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.cli.output import visible

if TYPE_CHECKING:
    from tools.code.report import CodeReport, Danger, Problem

_MARKS = {"error": "XX", "warning": "! ", "info": "- "}
_MAX_PROBLEMS = 12
_MAX_DRY_LINES = 30


def print_report(report: CodeReport, *, to_stdout: bool) -> None:
    """Write the report; on standard error where standard output has the code."""
    stream = sys.stdout if to_stdout else sys.stderr
    for line in report_lines(report):
        print(visible(line), file=stream)
    stream.flush()


def report_lines(report: CodeReport) -> Iterator[str]:
    """The report, worst first, in lines that each stand alone."""
    from assistant.coding.generated import plan_line

    yield from (_danger_line(danger) for danger in report.dangers)
    for problem in report.problems[:_MAX_PROBLEMS]:
        yield _problem_line(problem)
    left = len(report.problems) - _MAX_PROBLEMS
    if left > 0:
        yield f"   … and {left} more: see --json"
    yield f"+  {plan_line(report)}"
    if report.dry_run:
        yield "+  to try it without effect:"
        lines = report.dry_run.rstrip().splitlines()
        yield textwrap.indent("\n".join(lines[:_MAX_DRY_LINES]), "     ")
    if report.checked_by:
        yield f"+  checked by {', '.join(report.checked_by)}"
    yield from (f"!  not checked: {reason}" for reason in report.not_checked)


def _danger_line(danger: Danger) -> str:
    place = f"line {danger.line}: " if danger.line is not None else ""
    return f"!! danger, {place}{danger.text}: {danger.what}. {danger.advice}".rstrip()


def _problem_line(problem: Problem) -> str:
    place = f"line {problem.line}: " if problem.line is not None else ""
    found = f"{place}{problem.message} ({problem.tool} {problem.code})"
    return f"{_MARKS[problem.severity]} {found}" + (
        f", better: {problem.fix}" if problem.fix else ""
    )
