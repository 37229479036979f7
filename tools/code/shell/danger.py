"""How a rule says that a command is dangerous."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.code.report import Danger, excerpt
from tools.code.shell.commands import Command
from tools.code.shell.script import Script

Rule = Callable[[Command, Script], Iterator[Danger]]


def danger_of(command: Command, what: str, advice: str) -> Danger:
    """The command as a danger: `what` it does, and what to do before or instead."""
    return Danger(command.line, excerpt(command.text), what, advice)
