"""Rules for programs that want a terminal or a person, or that never end, in a script."""

from __future__ import annotations

from collections.abc import Iterator

from tools.code.report import Problem
from tools.code.shell.commands import Command
from tools.code.shell.rules import ScriptRule, note_at, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import LOOPS, is_within, pipeline_of

_FOR_A_TERMINAL = frozenset(
    ("htop", "vi", "vim", "nano", "emacs", "less", "more", "visudo", "dialog")
)
_EDITS = ("kubectl edit", "crontab -e", "systemctl edit")
# Calls that go on until somebody stops them: the option, and the one that bounds it.
_ENDLESS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("tail",), ("f", "F", "--follow"), ("--pid",)),
    (("journalctl",), ("f", "--follow"), ()),
    (("kubectl logs", "docker logs", "docker compose logs"), ("f", "--follow"), ()),
)
_INSTALLS = ("apt-get install", "apt install", "yum install", "dnf install", "apt-get upgrade")
_YES = ("y", "--yes", "--assume-yes", "--assumeyes", "q", "-qq")


def asks(script: Script) -> Iterator[Problem]:
    """Programs that ask a question, which nobody is there to answer."""
    for command in script.own_commands:
        options = command.own_options
        if command.is_call(*_INSTALLS) and not options.has(*_YES):
            yield warning_at(command.node, "asks", "waits for an answer that nobody gives", "-y")
        is_run = command.is_call("kubectl exec", "docker exec", "docker run")
        if is_run and options.has("t", "--tty"):
            message = "fails without a terminal, as under cron"
            yield note_at(command.node, "asks", message, "leave -t out")


def wants_terminal(script: Script) -> Iterator[Problem]:
    """Editors, pagers and full screens; `su -` opens a login and the script waits for its end."""
    for command in script.own_commands:
        options = command.own_options
        is_login = command.name == "su" and not options.has("c", "--command") and not command.stdin
        is_screen = command.name == "top" and not options.has("b")
        is_edit = any(
            f"{command.name} {' '.join(command.values)}".startswith(one) for one in _EDITS
        )
        if (
            command.name in _FOR_A_TERMINAL or is_login or is_screen or is_edit
        ) and not _reads_pipe(command):
            message = f"{command.name} waits for a person at a terminal"
            fix = "su -c …" if is_login else "top -b -n 1" if is_screen else ""
            yield warning_at(command.node, "interactive", message, fix)


def _reads_pipe(command: Command) -> bool:
    pipeline = pipeline_of(command.node)
    return pipeline is not None and command.name == "su"


def never_ends(script: Script) -> Iterator[Problem]:
    """`tail -f`, `ping`, `tcpdump`: what comes after them is never reached."""
    for command in script.own_commands:
        if command.has_wrapper("timeout") or _is_in_background(command):
            continue
        options = command.own_options
        follows = any(
            command.is_call(*calls) and options.has(*flags) and not options.has(*bounds)
            for calls, flags, bounds in _ENDLESS
        )
        counts = command.name in ("ping", "ping6", "tcpdump") and not options.has("c", "r", "w")
        if (follows or counts) and not is_within(command.node, *LOOPS):
            message = f"{command.name} never ends by itself: what comes after is not reached"
            fix = f"timeout 30 {command.name} …" if follows else f"{command.name} -c 5 …"
            yield warning_at(command.node, "never-ends", message, fix)


def _is_in_background(command: Command) -> bool:
    node = command.node
    while node.parent is not None and node.parent.type in (
        "pipeline",
        "redirected_statement",
        "list",
    ):
        node = node.parent
    after = node.next_sibling
    return after is not None and after.type == "&"


RULES: tuple[ScriptRule, ...] = (asks, wants_terminal, never_ends)
