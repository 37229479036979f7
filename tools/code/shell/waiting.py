"""Rules for scripts that wait for ever, spin, hang on one host, or start what nobody waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.code.report import Problem
from tools.code.shell.commands import Command
from tools.code.shell.rules import ScriptRule, note_at, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import (
    LOOPS,
    above,
    below,
    is_looked_at,
    is_within,
    previous_statement,
    text_of,
)
from tools.code.wordlist import words

if TYPE_CHECKING:
    from tree_sitter import Node

_ENDLESS = re.compile(r"(while\s+(true|:|\[\s*1\s*\]|\(\(\s*1\s*\)\))|until\s+false)\s*(;|\n)")
_PAUSES = frozenset(
    words(
        """
    sleep read wait inotifywait timeout nc tail journalctl socat systemd-notify
    """
    )
)
_STARTS = ("systemctl restart", "systemctl start", "service", "docker restart", "docker start")
_ASKS_STATE = re.compile(r"is-active|curl|\bnc\b|pg_isready|rollout status|health|--wait")
_LEAVES = frozenset(words("break exit return"))


def endless_waits(script: Script) -> Iterator[Problem]:
    """`until curl …; do sleep 1; done`: for ever, when it never comes."""
    for node in script.of_type("while_statement"):
        text = text_of(node)
        commands = _commands_below(node, script)
        names = {one.name for one in commands}
        if _ENDLESS.match(text):
            if not names & _PAUSES and not names & _LEAVES:
                message = "runs without a pause and without an end: it takes a whole core"
                yield warning_at(node, "busy-loop", message, "sleep between, and an end")
        elif "sleep" in names and not names & _LEAVES and not _has_limit(node):
            message = "waits for ever when what it waits for does not come"
            yield warning_at(node, "endless-wait", message, "count the tries, or timeout 60 …")


def _commands_below(node: Node, script: Script) -> list[Command]:
    found = (script.by_node.get(one.id) for one in below(node, "command"))
    return [one for one in found if one is not None]


def _has_limit(node: Node) -> bool:
    """Whether its condition counts or looks at a clock, or it only reads lines."""
    conditions = node.children_by_field_name("condition")
    text = " ".join(text_of(one) for one in conditions)
    counts = r"-(lt|le|gt|ge|eq|ne)\b|<|>|SECONDS|\bread\b|\(\(|\bkill -0|timeout"
    return bool(re.search(counts, text)) or any(one.type == "timeout" for one in above(node))


def unlimited_requests(script: Script) -> Iterator[Problem]:
    """`curl` that takes an error page for an answer, or hangs on a server that does not answer."""
    for command in script.own_commands:
        if command.name != "curl" or command.has_wrapper("timeout"):
            continue
        options = command.own_options
        if _uses_body(command) and not options.has(
            "f", "--fail", "--fail-with-body", "w", "--write-out"
        ):
            message = "takes an error page for the answer: without -f, HTTP 500 is a success"
            yield warning_at(command.node, "curl-no-fail", message, "curl -fsS …")
        if not options.has("m", "--max-time", "--connect-timeout"):
            note = "has no time limit: it may hang for minutes"
            yield note_at(command.node, "no-time-limit", note, "--max-time 10")


def _uses_body(command: Command) -> bool:
    options = command.own_options
    if options.has("I", "--head"):
        return False
    word = options.word("o", "--output")
    if word is not None and "/dev/null" in word.value:
        return is_looked_at(command.node)
    is_kept = options.has("o", "O", "--output") or any(one.writes for one in command.redirects)
    return (
        is_kept
        or is_looked_at(command.node)
        or is_within(command.node, "pipeline", "command_substitution")
    )


def hosts_in_turn(script: Script) -> Iterator[Problem]:
    """Every host or service in a loop, with no look whether the last one came back."""
    for command in script.commands:
        if not command.is_call(
            "systemctl restart",
            "service",
            "docker restart",
            "reboot",
            "kubectl delete pod",
            "kubectl rollout restart",
        ):
            continue
        if command.name == "service" and "restart" not in command.values:
            continue
        loop = next((one for one in above(command.node) if one.type in LOOPS), None)
        if loop is None or (not command.arguments and command.name != "reboot"):
            continue
        names = {one.name for one in _commands_below(loop, script)}
        text = text_of(loop)
        if not names & {
            "curl",
            "wget",
            "nc",
            "sleep",
            "wait",
            "break",
            "exit",
            "read",
        } and not re.search(
            r"is-active|rollout status|health|kubectl wait|\|\| (break|exit)", text
        ):
            message = "restarts one after the other, and never looks whether the last came back"
            yield warning_at(
                command.node, "all-at-once", message, "check its health, stop when it fails"
            )


def fixed_waits(script: Script) -> Iterator[Problem]:
    """`sleep 30` after a restart, in place of a look whether it is back."""
    if _ASKS_STATE.search(script.code):
        return
    for command in script.own_commands:
        before = previous_statement(command.node)
        started = script.command_in(before) if before is not None else None
        if command.name == "sleep" and started is not None and started.is_call(*_STARTS):
            message = "waits a fixed time, and does not look whether it is back"
            yield note_at(command.node, "fixed-wait", message, "ask until it answers, with a limit")


def hanging_logins(script: Script) -> Iterator[Problem]:
    """`ssh` in a loop with no time limit: one dead host stops all."""
    for command in script.own_commands:
        if (
            command.name != "ssh"
            or command.has_wrapper("timeout")
            or not is_within(command.node, *LOOPS)
        ):
            continue
        if not re.search(r"ConnectTimeout|BatchMode", " ".join(command.values)):
            message = "hangs at the first host that does not answer or asks for a password"
            fix = "ssh -o BatchMode=yes -o ConnectTimeout=5"
            yield warning_at(command.node, "ssh-no-time-limit", message, fix)


def eaten_input(script: Script) -> Iterator[Problem]:
    """A program in a `while read` that reads the rest of the lines itself."""
    for loop in script.of_type("while_statement"):
        if not re.match(r"while\s+(IFS=\S*\s+)?read\b", text_of(loop)):
            continue
        for command in _commands_below(loop, script):
            if _reads_input(command):
                message = f"{command.name} reads the lines that the loop is to read: it runs once"
                yield warning_at(command.node, "eaten-input", message, "< /dev/null")


def _reads_input(command: Command) -> bool:
    if command.stdin or any(one.operator == "<" for one in command.redirects):
        return False
    options = command.own_options
    if command.is_call("kubectl exec", "docker exec", "docker run"):
        return options.has("i", "--stdin", "--interactive")
    if command.name in ("psql", "mysql"):
        return not options.has("c", "e", "f", "--command", "--execute", "--file")
    return command.name == "ffmpeg" or (command.name == "ssh" and not options.has("n"))


def unawaited(script: Script) -> Iterator[Problem]:
    """Jobs that a loop starts in the background, and no `wait`."""
    if any(one.name in ("wait", "disown") for one in script.own_commands):
        return
    for node in script.of_type(*LOOPS):
        body = next((one for one in node.named_children if one.type == "do_group"), None)
        if body is not None and any(child.type == "&" for child in body.children):
            message = (
                "starts all at once in the background, and nothing waits for them or sees them fail"
            )
            yield warning_at(node, "no-wait", message, "wait, or xargs -P 4")


RULES: tuple[ScriptRule, ...] = (
    endless_waits,
    unlimited_requests,
    hosts_in_turn,
    fixed_waits,
    hanging_logins,
    eaten_input,
    unawaited,
)
