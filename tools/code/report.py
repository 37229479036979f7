"""What a check of code says: its problems, its dangers, what it would touch, how to try it dry.

Plain data, so that fronts, the model's corrections and tests read one shape whatever the language.
The checks themselves stand in the package of each language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

Language = Literal[
    "bash", "python", "sql", "promql", "kubernetes", "ansible", "systemd", "nginx", "yaml"
]
LANGUAGES: tuple[Language, ...] = (
    "bash",
    "python",
    "sql",
    "promql",
    "kubernetes",
    "ansible",
    "systemd",
    "nginx",
    "yaml",
)

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

# The tool that our own rules name themselves as.
OWN_RULES = "midwatch"

_Item = TypeVar("_Item")

MAX_PROBLEMS = 200
MAX_DANGERS = 100
MAX_TOUCHES = 100
MAX_TEXT_CHARS = 400


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the code, as `tool` found it.

    `line` and `column` count from 1; None where the tool names none. `code` is the tool's own
    ("SC2086", "F821"). An error is code that does not work; `fix` says what to write instead.
    """

    line: int | None
    column: int | None
    severity: Severity
    code: str
    message: str
    tool: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Danger:
    """A statement that destroys or exposes something: `text` stands verbatim in the code."""

    line: int | None
    text: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class CodeReport:
    """Everything that was found out about a piece of code without running it.

    `touches` has a line for each thing that the code would change or reach. `dry_run` is text to
    show: the form of the code that changes nothing, empty where the language has none.
    `checked_by` names tools with their versions, `not_checked` those that did not run, and why.
    """

    language: Language
    problems: tuple[Problem, ...] = ()
    dangers: tuple[Danger, ...] = ()
    touches: tuple[str, ...] = ()
    dry_run: str = ""
    checked_by: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether anything found means that the code does not work."""
        return any(problem.severity == "error" for problem in self.problems)


def own_problem(
    line: int | None, severity: Severity, code: str, message: str, fix: str = ""
) -> Problem:
    """A problem that one of our own rules found; `code` is the rule's name ("no-pipefail")."""
    return Problem(line, None, severity, code, message, OWN_RULES, fix)


def in_order(report: CodeReport) -> CodeReport:
    """The report by line, each finding once, with no more of a kind than a person would read."""
    return CodeReport(
        report.language,
        _bounded(sorted(set(report.problems), key=_problem_order), MAX_PROBLEMS),
        _bounded(sorted(_one_a_place(report.dangers), key=_danger_order), MAX_DANGERS),
        _bounded(dict.fromkeys(report.touches), MAX_TOUCHES),
        report.dry_run,
        tuple(dict.fromkeys(report.checked_by)),
        tuple(dict.fromkeys(report.not_checked)),
    )


def _problem_order(problem: Problem) -> tuple[int, int, int, str, str]:
    return (
        problem.line or 0,
        problem.column or 0,
        SEVERITIES.index(problem.severity),
        problem.code,
        problem.message,
    )


def _danger_order(danger: Danger) -> tuple[int, str, str]:
    return danger.line or 0, danger.text, danger.what


def _one_a_place(dangers: Iterable[Danger]) -> list[Danger]:
    """What is said of the same line in the same words is said once, of the shortest statement."""
    best: dict[tuple[int | None, str], Danger] = {}
    for danger in dangers:
        key = (danger.line, danger.what)
        if key not in best or len(danger.text) < len(best[key].text):
            best[key] = danger
    return list(best.values())


def _bounded(items: Iterable[_Item], limit: int) -> tuple[_Item, ...]:
    return tuple(items)[:limit]


def excerpt(text: str) -> str:
    """The beginning of a statement, verbatim, short enough to be shown."""
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS]
