"""Rules for pipelines of text tools that give a wrong answer without a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.code.report import Problem
from tools.code.shell.commands import Command
from tools.code.shell.rules import ScriptRule, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import is_within

if TYPE_CHECKING:
    from tree_sitter import Node

_SORTS = frozenset(("sort", "uniq", "comm", "join", "awk"))
_PERCENT = re.compile(r"\$\d+\s*[<>]=?\s*\d")
_MADE_A_NUMBER = re.compile(r"\+\s*0|gsub|sub\(|int\(|substr")


def unsorted_counts(script: Script) -> Iterator[Problem]:
    """`uniq` counts neighbours only; `sort -n` reads 9K as less than 10."""
    for commands in _pipelines(script):
        for before, command in zip([None, *commands], commands, strict=False):
            if command.name == "uniq" and before is not None and before.name not in _SORTS:
                message = (
                    "uniq sees only lines that follow each other: the same line is counted anew"
                )
                yield warning_at(command.node, "uniq-unsorted", message, "sort | uniq -c")
            if (
                command.name == "sort"
                and before is not None
                and _is_for_people(before)
                and not command.own_options.has("h", "--human-numeric-sort")
            ):
                message = "sorts 9K behind 10G only with -h"
                yield warning_at(command.node, "sort-human", message, "sort -h")


def _pipelines(script: Script) -> Iterator[list[Command]]:
    for node in script.of_type("pipeline"):
        found = (script.command_in(part) for part in node.named_children)
        yield [one for one in found if one is not None]


def _is_for_people(command: Command) -> bool:
    """Whether it prints sizes as 9K and 1.2G."""
    names = ("du", "ls", "df", "free")
    return command.name in names and command.own_options.has("h", "--human-readable")


def percent_signs(script: Script) -> Iterator[Problem]:
    """`df | awk '$5 > 90'` compares "9%" with "90" letter by letter."""
    for commands in _pipelines(script):
        names = [one.name for one in commands]
        for command in commands:
            program = command.values[0] if command.values else ""
            if command.name != "awk" or "df" not in names[: names.index("awk")]:
                continue
            others = " ".join(one.text for one in commands if one is not command)
            is_plain = not _MADE_A_NUMBER.search(program) and "%" not in program
            if _PERCENT.search(program) and is_plain and not re.search(r"\b(tr|sed)\b", others):
                message = "compares a text that ends in %, and no number"
                yield warning_at(command.node, "percent", message, "$5 + 0 > 90")


def shell_in_awk(script: Script) -> Iterator[Problem]:
    """`awk "{print $1}"`: the shell puts its own $1 there."""
    for command in script.own_commands:
        if command.name not in ("awk", "gawk", "mawk"):
            continue
        for word in command.arguments[:3]:
            if (
                word.text.startswith('"')
                and "{" in word.value
                and any(one.name.isdigit() for one in word.expansions)
                and not _in_function(command.node)
            ):
                message = "the shell puts its own $1 into the program, which most often is nothing"
                yield warning_at(command.node, "awk-quotes", message, "awk '{print $1}'")


def _in_function(node: Node) -> bool:
    return is_within(node, "function_definition")


RULES: tuple[ScriptRule, ...] = (unsorted_counts, percent_signs, shell_in_awk)
