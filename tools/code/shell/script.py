"""A script as its rules see it: its commands in order, its variables, the options that it sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.code.shell.commands import Command, command_at
from tools.code.shell.inner import inner_arguments, inner_codes, moved
from tools.code.shell.tree import below, parse
from tools.code.shell.variables import Variables, joined, read_variables

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_DEPTH = 4
_RUNNABLE = ("command", "declaration_command", "unset_command", "redirected_statement")


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed script: its commands in order, those inside strings after the one that runs them."""

    code: str
    nodes: tuple[Node, ...]
    commands: tuple[Command, ...]
    variables: Variables
    by_node: Mapping[int, Command]

    def command_in(self, node: Node) -> Command | None:
        """The first command of the script at or below `node`."""
        found = (self.by_node.get(one.id) for one in below(node, *_RUNNABLE))
        return next((one for one in found if one is not None), None)

    @property
    def own_commands(self) -> Iterator[Command]:
        """The commands that stand in the script itself."""
        return (command for command in self.commands if not command.is_inner)

    def of_type(self, *types: str) -> Iterator[Node]:
        """The nodes of these types, in the order of the source."""
        return (node for node in self.nodes if node.type in types)

    @property
    def interpreter(self) -> str:
        """The first line's `#!` with its arguments, else nothing."""
        first = self.code.partition("\n")[0]
        return first[2:].strip() if first.startswith("#!") else ""

    @property
    def stops_on_error(self) -> bool:
        """Whether it has `set -e`."""
        return self._sets("e", "errexit")

    @property
    def refuses_unset(self) -> bool:
        """Whether it has `set -u`."""
        return self._sets("u", "nounset")

    @property
    def sees_pipe_failures(self) -> bool:
        """Whether it has `set -o pipefail`, or looks at each status itself."""
        return self._sets("", "pipefail") or "PIPESTATUS" in self.code

    def _sets(self, letter: str, name: str) -> bool:
        """Whether `set -e` or `set -o errexit` (letter and name) stands in it, or in its `#!`."""
        if letter and re.search(rf"\s-\w*{letter}", self.interpreter):
            return True
        return any(_sets(one, letter, name) for one in self.own_commands if one.name == "set")


def _sets(command: Command, letter: str, name: str) -> bool:
    return name in command.values or any(
        letter and re.fullmatch(rf"-\w*{letter}\w*", value) for value in command.values
    )


def read_script(code: str) -> Script:
    """The script that `code` is; what does not parse is left out of its commands."""
    return _script(code, 0)


def _script(code: str, depth: int) -> Script:
    nodes = tuple(_all_nodes(parse(code)))
    commands: list[Command] = []
    inside: list[Variables] = []
    for node in nodes:
        command = command_at(node) if node.type in _RUNNABLE else None
        if command is None:
            continue
        commands.extend([command, *inner_arguments(command)])
        for script in _inner_scripts(command, depth):
            commands.extend(moved(inner, command) for inner in script.commands)
            inside.append(script.variables)
    by_node = {one.node.id: one for one in reversed(commands) if not one.is_inner}
    variables = joined([read_variables(nodes, commands), *inside])
    return Script(code, nodes, tuple(commands), variables, by_node)


def _inner_scripts(command: Command, depth: int) -> Iterator[Script]:
    if depth < _MAX_DEPTH:
        yield from (_script(code, depth + 1) for code in inner_codes(command) if code.strip())


def _all_nodes(root: Node) -> Iterator[Node]:
    """The nodes at and below `root`, in the order of the source."""
    stack = [root]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.named_children))
