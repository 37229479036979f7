"""What a rule over a whole script is, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tools.code.report import Problem, Severity, own_problem
from tools.code.shell.script import Script
from tools.code.shell.tree import line_of

if TYPE_CHECKING:
    from tree_sitter import Node

ScriptRule = Callable[[Script], Iterator[Problem]]


def warning_at(node: Node, code: str, message: str, fix: str = "") -> Problem:
    """A warning of our own at the line of `node`."""
    return own_problem(line_of(node), "warning", code, message, fix)


def note_at(node: Node, code: str, message: str, fix: str = "") -> Problem:
    """A note of our own at the line of `node`."""
    severity: Severity = "info"
    return own_problem(line_of(node), severity, code, message, fix)
