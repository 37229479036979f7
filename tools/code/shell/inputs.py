"""Rules for values that a script takes as they come: into paths, SQL, and placeholders left in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Problem, own_problem
from tools.code.shell.rules import ScriptRule, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import is_within

_SQL_WITH_VALUE = re.compile(
    r"^\s*(select|insert|update|delete)\b.*'[^']*\$[^']*'", re.DOTALL | re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    rb"(?:^|[\s=/:@])(<[A-Za-z][A-Za-z0-9]*(?:[ _-][A-Za-z0-9]+)*>)(?=$|[\s/:.,@])",
    re.MULTILINE,
)
_SAY_IT = ("echo", "printf", "[", "shift", "local", "")


def unchecked_arguments(script: Script) -> Iterator[Problem]:
    """`$1` that nothing checks, in a script that changes something with it."""
    if script.refuses_unset or script.variables.counts_arguments:
        return
    for command in script.own_commands:
        if command.name in _SAY_IT or is_within(command.node, "function_definition"):
            continue
        for one in (one for word in command.arguments for one in word.expansions):
            if one.name in tuple("123456789") and script.variables.may_be_empty(one):
                message = f"uses ${one.name}, and nothing says what it is when it is left out"
                fix = f'"${{{one.name}:?usage: …}}"'
                yield warning_at(command.node, "argument-unchecked", message, fix)
                return


def unchecked_targets(script: Script) -> Iterator[Problem]:
    """`mv *.sql $DEST`: with no target the last file is taken for it."""
    for command in script.own_commands:
        words = command.own_options.rest
        if command.name not in ("mv", "cp", "rsync", "scp") or len(words) < 2:
            continue
        leading = words[-1].leading
        if leading is not None and script.variables.may_be_empty(leading):
            message = f"goes elsewhere, or over another file, when ${leading.name} is empty"
            fix = f'"${{{leading.name}:?}}"'
            yield warning_at(command.node, "target-unchecked", message, fix)


def sql_values(script: Script) -> Iterator[Problem]:
    """`psql -c "… '$1'"`: a value can be a statement."""
    for command in script.own_commands:
        if command.name not in ("psql", "mysql", "mariadb", "sqlite3"):
            continue
        for word in command.arguments:
            if _SQL_WITH_VALUE.search(word.value) and word.expansions:
                message = "puts a value into the text of SQL: it can be a statement"
                fix = "psql -v name=… with :'name' in a heredoc"
                yield warning_at(command.node, "sql-values", message, fix)


def placeholders(script: Script) -> Iterator[Problem]:
    """`kubectl logs <pod>`: to the shell the brackets are redirections."""
    texts = [
        range(node.start_byte, node.end_byte)
        for node in script.of_type("string", "raw_string", "heredoc_body", "comment")
    ]
    code = script.code.encode(errors="replace")
    for found in _PLACEHOLDER.finditer(code):
        if not any(found.start(1) in text for text in texts):
            line = code.count(b"\n", 0, found.start(1)) + 1
            message = f"{found[1].decode()} stands for a value that is not filled in"
            yield own_problem(line, "warning", "placeholder", message, "the value, or a variable")


RULES: tuple[ScriptRule, ...] = (unchecked_arguments, unchecked_targets, sql_values, placeholders)
