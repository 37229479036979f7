"""The commands inside a command's strings: `bash -c`, `ssh host '…'`, `find -exec`, `trap`, `eval`.

A rule that looks for `rm` finds it in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.code.shell.commands import Command
from tools.code.shell.wrappers import base_name, unwrap

SHELLS = ("bash", "sh", "dash", "zsh", "ksh", "ash")
_FIND_RUNS = ("-exec", "-execdir", "-ok", "-okdir")
_ENDS = (";", "+", "\\;")
_CONTAINER_RUNS = (
    "kubectl exec",
    "oc exec",
    "docker exec",
    "docker run",
    "podman exec",
    "docker compose exec",
)


def inner_codes(command: Command) -> Iterator[str]:
    """The shell code that the command hands to a shell."""
    values = command.values
    if command.name in SHELLS or (command.name == "su" and "-c" in values):
        yield from _of_shell(command)
    elif command.name == "ssh":
        remote = command.own_options.rest_values[1:]
        yield " ".join(remote) if remote else command.stdin
    elif command.name == "eval":
        yield " ".join(values)
    elif command.name == "trap" and len(values) > 1:
        yield values[0]
    elif command.name == "crontab" and command.stdin:
        yield from (" ".join(line.split()[5:]) for line in command.stdin.splitlines())


def _of_shell(command: Command) -> Iterator[str]:
    values = command.values
    flag = next((at for at, value in enumerate(values) if _is_code_flag(value)), None)
    if flag is not None and flag + 1 < len(values):
        yield values[flag + 1]
    elif "-s" in values or not command.own_options.rest:
        yield command.stdin


def _is_code_flag(value: str) -> bool:
    """`-c`, and with others as in `-lc`, `-euxc`."""
    return value.startswith("-") and not value.startswith("--") and value.endswith("c")


def inner_arguments(command: Command) -> Iterator[Command]:
    """The commands that stand in the arguments: of `find -exec`, of `kubectl exec … --`."""
    if command.name == "find":
        yield from _of_find(command)
    elif command.is_call(*_CONTAINER_RUNS) and "--" in command.values:
        yield from _run_of(command, command.values.index("--") + 1, len(command.arguments))


def _of_find(command: Command) -> Iterator[Command]:
    values = command.values
    for at, value in enumerate(values):
        if value in _FIND_RUNS:
            end = next((i for i in range(at, len(values)) if values[i] in _ENDS), len(values))
            yield from _run_of(command, at + 1, end)


def _run_of(command: Command, start: int, end: int) -> Iterator[Command]:
    wrappers, words = unwrap(command.arguments[start:end])
    if words:
        yield replace(
            command,
            name=base_name(words[0]),
            arguments=tuple(words[1:]),
            wrappers=(*command.wrappers, command.name, *wrappers),
            redirects=(),
            stdin="",
            is_inner=True,
        )


def moved(inner: Command, outer: Command) -> Command:
    """`inner`, told from where `outer` stands, because its own place is in another text."""
    return replace(
        inner,
        wrappers=(*outer.wrappers, outer.name, *inner.wrappers),
        line=outer.line,
        text=inner.text if inner.text and inner.text in outer.text else outer.text,
        node=outer.node,
        is_inner=True,
    )
