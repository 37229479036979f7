"""Rules for processes and services: killed by a guess, started without end, stopped for all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.script import Script
from tools.code.shell.tree import pipeline_of, text_of

_REMOTE_ACCESS = re.compile(
    r"(sshd?|network(ing|manager)?|systemd-networkd|firewalld)(\.service)?", re.IGNORECASE
)
_SEARCH = "kills whatever a search of the process list matches, itself and others included"
_SEARCHES = re.compile(r"\bps\b[^|]*\|.*\bgrep|\bgrep\b.*\bps\b|\bpgrep\s+-\w*f", re.DOTALL)
_LOOK_AT_MATCHES = "use pgrep -x and look at what it matches, or systemctl"
_REACH = "keep a second session open, and a timer that undoes it"
_RUNTIMES = ("java", "python", "python3", "node", "ruby", "postgres", "mysqld")


def processes(command: Command, script: Script) -> Iterator[Danger]:
    """`kill -9 -1`, kills by a pattern of a command line, fork bombs."""
    values = command.values
    if command.name == "kill" and values[-1:] == ["-1"] and len(values) > 1:
        yield danger_of(command, "kills every process it may", "name the process: kill PID")
    elif command.name == "kill" and values[-1:] in (["0"], ["1"]) and _is_hard(command):
        yield danger_of(command, "kills its own group, or init", "name the process: kill PID")
    elif command.name == "kill" and _is_searched(command):
        yield danger_of(command, _SEARCH, _LOOK_AT_MATCHES)
    elif command.name in ("pkill", "killall", "killall5"):
        yield from _by_name(command)


def _is_hard(command: Command) -> bool:
    named = {"-9", "-KILL", "-SIGKILL", "KILL", "SIGKILL"} & set(command.values)
    return bool(named) or "9" in command.own_options.flags


def _is_searched(command: Command) -> bool:
    """Whether a `ps | grep` says which processes, in a substitution or in the pipe before."""
    pipeline = pipeline_of(command.node) if command.has_wrapper("xargs") else None
    texts = [*command.values, text_of(pipeline) if pipeline is not None else ""]
    return any(_SEARCHES.search(text) for text in texts)


def _by_name(command: Command) -> Iterator[Danger]:
    options = command.own_options
    is_hard = _is_hard(command)
    names = [value for value in options.rest_values if value != "9"]
    if command.name == "pkill" and (options.has("f", "--full") or options.has("u")) and is_hard:
        what = "kills at once every process whose command line matches"
        yield danger_of(command, what, "look with pgrep -af first; send TERM before KILL")
    elif any(name in _RUNTIMES for name in names):
        what = f"kills every process that is named {names[-1]}, of any service"
        yield danger_of(command, what, "restart the one service, or kill its main PID")


def fork_bombs(command: Command, script: Script) -> Iterator[Danger]:
    """A function that starts itself twice: `:(){ :|:& };:`."""
    for node in script.of_type("function_definition"):
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None or command.name != (name.text or b"").decode():
            continue
        inside = node.start_byte <= command.node.start_byte < node.end_byte
        text = (body.text or b"").decode(errors="replace")
        if inside and re.search(
            rf"(?<!\w){re.escape(command.name)}\s*\|\s*{re.escape(command.name)}", text
        ):
            yield danger_of(
                command, "starts itself without end, until the machine stands still", "remove it"
            )


def services(command: Command, script: Script) -> Iterator[Danger]:
    """Stopping what one reaches the machine by."""
    stops = ("systemctl stop", "systemctl disable", "systemctl mask", "systemctl kill")
    if command.is_call(*stops, "service"):
        names = command.own_options.rest_values
        if command.name == "service" and "stop" not in names[1:2]:
            return
        for name in names:
            if _REMOTE_ACCESS.fullmatch(name):
                yield danger_of(
                    command, f"stops {name}: nobody reaches the machine any more", _REACH
                )


RULES: tuple[Rule, ...] = (processes, fork_bombs, services)
