"""Rules for failures that a script does not notice: pipelines, statuses, hidden and late checks.

What ShellCheck says is not said again here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.code.report import Problem, own_problem
from tools.code.shell.commands import Command
from tools.code.shell.rules import ScriptRule, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import (
    below,
    is_looked_at,
    is_within,
    previous_statement,
    statement_of,
    text_of,
)
from tools.code.wordlist import words

if TYPE_CHECKING:
    from tree_sitter import Node

# Whose failure in the middle of a pipeline loses data or gives a wrong answer.
PRODUCERS = frozenset(
    words(
        """
    pg_dump pg_dumpall mysqldump mariadb-dump mongodump pg_basebackup xtrabackup mariabackup
    redis-cli tar cpio gpg openssl curl wget ssh scp rsync kubectl docker psql mysql sqlite3
    aws gsutil borg restic zfs dd gzip zstd xz etcdctl vault helm terraform influx
    """
    )
)
_BACKUPS = frozenset(
    words(
        """
    pg_dump pg_dumpall mysqldump mariadb-dump mongodump pg_basebackup xtrabackup tar rsync
    borg restic etcdctl scp aws gsutil
    """
    )
)
_CHANGES = frozenset(
    words(
        """
    rm mv cp dd rsync systemctl service kubectl docker helm terraform psql mysql pg_dump
    mysqldump tar chmod chown kill apt-get yum dnf sed scp ssh git make install mount umount
    """
    )
)
_OF_BACKUPS = re.compile(r"(?i)backup|dump|\.sql|\.tar|\.t?gz")
_TELLS = ("echo", "printf", "logger")
_SAYS_ERROR = re.compile(
    r"\b(error|fail(ed|ure)?|fatal|cannot|could not|unable|abort)", re.IGNORECASE
)


def missing_options(script: Script) -> Iterator[Problem]:
    """No `set -e` in a script whose steps depend on each other."""
    steps = [one for one in script.own_commands if one.name in _CHANGES]
    if len(steps) > 1 and not script.stops_on_error:
        fix = "set -euo pipefail"
        yield own_problem(1, "info", "no-errexit", "goes on after a step that failed", fix)


def hidden_pipe_failures(script: Script) -> Iterator[Problem]:
    """A dump or download whose failure the pipeline hides, and whose result is relied on."""
    if script.sees_pipe_failures:
        return
    for node in script.of_type("pipeline"):
        parts = [part for part in node.named_children if part.type != "comment"]
        commands = [script.command_in(part) for part in parts[:-1]]
        name = next((one.name for one in commands if one and one.name in PRODUCERS), "")
        if "/dev/urandom" in text_of(node):
            continue
        if name and (script.stops_on_error or is_looked_at(node) or _keeps_result(node)):
            message = (
                f"when {name} fails, the pipeline still succeeds, and an empty or cut result counts"
            )
            yield warning_at(node, "no-pipefail", message, "set -o pipefail")


def _keeps_result(node: Node) -> bool:
    return any(
        re.match(r"1?>>?\s*(?!/dev/)", text_of(one))
        for one in below(statement_of(node), "file_redirect")
    )


def hidden_failures(script: Script) -> Iterator[Problem]:
    """`|| true` or `|| echo` behind what must not fail."""
    for node in script.of_type("list"):
        operator = text_of(node.children[1]) if len(node.children) > 1 else ""
        last = script.by_node.get(node.named_children[-1].id)
        if operator != "||" or last is None or last.name not in ("true", ":", *_TELLS):
            continue
        first = script.command_in(node.named_children[0])
        if first is not None and first.name in _BACKUPS:
            verb = "only tells" if last.name in _TELLS else "hides"
            message = f"{verb} that {first.name} failed, and goes on"
            yield warning_at(
                node, "hidden-failure", message, "say so and stop: || { echo …; exit 1; }"
            )


def late_status(script: Script) -> Iterator[Problem]:
    """`$?` that is the status of an `echo` in between, and not of the command that is meant."""
    for node in script.of_type("test_command", "command"):
        if "$?" not in text_of(node) or (
            node.type == "command" and not text_of(node).startswith("test ")
        ):
            continue
        holder = (
            node.parent if node.parent is not None and node.parent.type == "if_statement" else node
        )
        before = previous_statement(holder)
        command = script.by_node.get(before.id) if before is not None else None
        if command is not None and command.name in ("echo", "printf", "logger", "date", "log"):
            message = f"$? is the status of {command.name} here, not of what came before"
            yield warning_at(node, "late-status", message, "if ! command; then …")


def wrong_exit(script: Script) -> Iterator[Problem]:
    """An error that is told, and an exit that says success."""
    for command in script.own_commands:
        if command.name != "exit" or command.values not in ([], ["0"]):
            continue
        before = previous_statement(command.node)
        said = script.by_node.get(before.id) if before is not None else None
        if said is None or said.name not in ("echo", "printf", "logger"):
            continue
        if _SAYS_ERROR.search(said.text) and not re.search(
            r"(?i)\b(no|0|without) (error|fail)", said.text
        ):
            message = "ends with success right after an error message"
            yield warning_at(command.node, "exit-status", message, "exit 1")


def stops_too_early(script: Script) -> Iterator[Problem]:
    """What is no failure to a person, and ends a script that has `set -e`."""
    if not script.stops_on_error:
        return
    for command in script.own_commands:
        if command.name in ("grep", "egrep", "diff", "pgrep") and _decides_assignment(
            command, script
        ):
            message = f"{command.name} that finds nothing ends the script here (set -e)"
            yield warning_at(command.node, "errexit-surprise", message, "|| true, or ask in an if")
        if command.name == "let" and not is_looked_at(command.node):
            message = "let ends the script when its result is 0 (set -e)"
            yield warning_at(command.node, "errexit-surprise", message, "x=$((x + 1))")
    for node in script.of_type("compound_statement"):
        text = text_of(node)
        if re.fullmatch(r"\(\(\s*\w+\+\+\s*\)\)", text) and not is_looked_at(node):
            message = f"{text} ends the script when the variable was 0 (set -e)"
            yield warning_at(node, "errexit-surprise", message, "x=$((x + 1))")


def _decides_assignment(command: Command, script: Script) -> bool:
    """Whether the status of `x=$(… | grep …)` is that of the command, and nothing looks at it."""
    node = command.node
    pipeline = node.parent if node.parent is not None and node.parent.type == "pipeline" else None
    if pipeline is not None:
        is_last = pipeline.named_children[-1].id == node.id
        if not is_last and not script.sees_pipe_failures:
            return False
        node = pipeline
    holder = node.parent
    if holder is None or holder.type != "command_substitution" or holder.named_child_count != 1:
        return False
    assignment = holder.parent
    while assignment is not None and assignment.type in ("string", "concatenation"):
        assignment = assignment.parent
    if assignment is None or assignment.type != "variable_assignment":
        return False
    is_declared = assignment.parent is not None and assignment.parent.type == "declaration_command"
    return not is_declared and not is_looked_at(assignment)


def unchecked_rotation(script: Script) -> Iterator[Problem]:
    """Old backups that are deleted though the new one may have failed."""
    if script.stops_on_error:
        return
    for command in script.own_commands:
        before = [one for one in script.own_commands if one.line < command.line]
        made = [one for one in before if one.name in _BACKUPS and _is_unchecked(one)]
        if (
            _deletes(command)
            and made
            and not is_looked_at(command.node)
            and "$?" not in script.code
            and (_OF_BACKUPS.search(command.text) or _shares_folder(command, made[-1]))
        ):
            message = f"deletes even when {made[-1].name} before it failed"
            fix = "make && check && delete"
            yield warning_at(command.node, "rotates-unchecked", message, fix)
            return


def _deletes(command: Command) -> bool:
    return command.name == "rm" or (command.name == "find" and "-delete" in command.values)


def _shares_folder(deletion: Command, backup: Command) -> bool:
    """Whether it deletes what the other was to copy."""
    copied = [one.value.rstrip("/") for one in backup.own_options.rest if "/" in one.value]
    return any(
        word.value == path or word.value.startswith(f"{path}/")
        for word in deletion.own_options.rest
        for path in copied
    )


def _is_unchecked(command: Command) -> bool:
    return not is_looked_at(command.node) and not is_within(command.node, "if_statement")


RULES: tuple[ScriptRule, ...] = (
    missing_options,
    hidden_pipe_failures,
    hidden_failures,
    late_status,
    wrong_exit,
    stops_too_early,
    unchecked_rotation,
)
