"""Rules for files that are written over: configuration, who may log in, what others hold open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.paths import grants_access, is_configuration
from tools.code.shell.script import Script

_KEEP = "keep a copy first (cp -a), write beside it and move it into place once it is valid"


def overwritten(command: Command, script: Script) -> Iterator[Danger]:
    """Configuration of /etc that is replaced, and no copy of it made before."""
    for path in _replaced(command, script):
        if is_configuration(path) and not _is_kept(path, command, script):
            yield danger_of(command, f"replaces {path}, and nothing keeps what was there", _KEEP)


def access(command: Command, script: Script) -> Iterator[Danger]:
    """Lines added to what decides who may log in or become root."""
    for path in _appended(command, script):
        if grants_access(path):
            what = f"changes who gets in or how the machine starts: {path}"
            yield danger_of(
                command, what, "use its own tool (visudo, useradd, ssh-copy-id), and check it"
            )


def _replaced(command: Command, script: Script) -> Iterator[str]:
    resolved = script.variables.resolved
    yield from (resolved(one.target) for one in command.redirects if one.empties and one.target)
    options = command.own_options
    if command.name == "tee" and not options.has("a", "--append"):
        yield from (resolved(word) for word in options.rest)
    elif command.name in ("cp", "mv", "install", "ln") and len(options.rest) > 1:
        keeps = options.has("n", "b", "--no-clobber", "--backup", "S", "--suffix")
        if not keeps and not _is_copy_beside(command, script):
            yield resolved(options.rest[-1])
    elif command.name == "sed" and _in_place_without_copy(command):
        yield from (resolved(word) for word in options.rest)
    elif command.name == "dd":
        yield from (value[3:] for value in map(resolved, options.rest) if value.startswith("of="))


def _is_copy_beside(command: Command, script: Script) -> bool:
    """`cp x x.bak`: the new name is the old one and more, or one that says that it is a copy."""
    *sources, target = [script.variables.resolved(word) for word in command.own_options.rest]
    return any(target.startswith(f"{source}.") for source in sources) or bool(
        re.search(r"\.(bak|old|orig|save|backup)\b|~$|\$\(date", target)
    )


def _in_place_without_copy(command: Command) -> bool:
    """`sed -i`; with a suffix (`-i.bak`) it keeps a copy."""
    values = command.values
    return any(value in ("-i", "--in-place", "-ri", "-Ei", "-ie", "-iE", "-ni") for value in values)


def _appended(command: Command, script: Script) -> Iterator[str]:
    for redirect in command.redirects:
        if redirect.target and redirect.operator in (">>", "&>>"):
            yield script.variables.resolved(redirect.target)
    if command.name == "tee" and command.own_options.has("a", "--append"):
        yield from (script.variables.resolved(word) for word in command.own_options.rest)


def _is_kept(path: str, command: Command, script: Script) -> bool:
    """Whether a command before copies the file or its folder."""
    for one in script.commands:
        if one.line > command.line or one is command:
            continue
        if one.name in ("cp", "mv", "rsync", "tar", "install", "git") and any(
            path == value or path.startswith(value.rstrip("/") + "/")
            for value in _sources(one, script)
        ):
            return True
    return False


def _sources(command: Command, script: Script) -> list[str]:
    values = [script.variables.resolved(word) for word in command.own_options.rest]
    # `cp /etc/x{,.bak}` is one word to the parser.
    return [value.partition("{")[0] or value for value in values if value]


RULES: tuple[Rule, ...] = (overwritten, access)
