"""Calls that are dangerous whatever their operands, as a table of words that they must have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import danger_of


@dataclass(frozen=True, slots=True)
class Pattern:
    """A call that begins with one of `starts` and has each of `needs`, none of `spares`.

    A need is a choice ("-f|--force"): a flag, a long option or a plain word.
    """

    starts: tuple[str, ...]
    what: str
    advice: str
    needs: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()

    def matches(self, command: Command) -> bool:
        """Whether the command is such a call."""
        return (
            command.is_call(*self.starts)
            and all(_has_any(command, need) for need in self.needs)
            and not any(_has_any(command, spare) for spare in self.spares)
        )


def _has_any(command: Command, choice: str) -> bool:
    options = command.own_options
    return any(
        options.has(one.removeprefix("-"))
        if len(one) == 2
        else options.has(one) or one in command.values
        for one in choice.split("|")
    )


def matched(command: Command, patterns: Sequence[Pattern]) -> Iterator[Danger]:
    """What the table says of the command."""
    for pattern in patterns:
        if pattern.matches(command):
            yield danger_of(command, pattern.what, pattern.advice)
