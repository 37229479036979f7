"""Rules for what deletes files: `rm`, `find -delete`, `xargs rm`, `rsync --delete`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.paths import is_data_folder, is_history, is_log, is_system_folder
from tools.code.shell.script import Script
from tools.code.shell.tree import below, is_looked_at, pipeline_of, text_of
from tools.code.shell.words import Word

_LOOK_FIRST = "print what it would delete first (`ls -d`, `find … -print`), then name it exactly"
_GUARD = "quote it and stop when it is empty: "
_FIND_TESTS = re.compile(
    r"-(i?name|i?path|i?regex|[acm](time|min)|newer\w*|size|empty|user|group|perm|inum|links|nouser)"
)
_HERE = re.compile(r"(\./|\.\./)*(\*|\.\*|\.|\.\.|\*\.\*)")


def removals(command: Command, script: Script) -> Iterator[Danger]:
    """`rm` of the root, of the system's folders, of a variable that may be empty, of `*`."""
    if command.name not in ("rm", "shred", "unlink", "srm"):
        return
    options = command.own_options
    is_recursive = options.has("r", "R", "--recursive")
    for word in options.rest:
        what = _removed(word, is_recursive, command, script)
        if what:
            yield danger_of(command, what, _advice(word))
    if command.has_wrapper("xargs", "parallel") and is_recursive and not options.rest:
        what = "deletes, with all below, whatever names arrive"
        yield danger_of(
            command, what, "look at the list first, and hand it over with -print0 and -0"
        )


def _advice(word: Word) -> str:
    name = word.leading.name if word.leading else ""
    if re.fullmatch(r"\w+", name):
        return f'{_GUARD}"${{{name}:?}}"'
    return _LOOK_FIRST


def _removed(word: Word, is_recursive: bool, command: Command, script: Script) -> str:
    """What is lost when `word` is removed; empty where the loss is the one that it names."""
    value = script.variables.resolved(word)
    if value == "/":
        return "deletes the whole file system"
    if is_history(value):
        return "deletes a shell's history"
    if (is_recursive or word.has_glob) and is_system_folder(value):
        return f"deletes what the system needs: {value}"
    if is_recursive and is_data_folder(value):
        return f"deletes a whole service's data or configuration: {value}"
    if is_log(value) and value.startswith("/var/log/"):
        return f"deletes logs: {value}"
    if _HERE.fullmatch(value) and (is_recursive or word.has_glob):
        return "" if _is_after_checked_cd(command, script) else _here(value)
    is_here = word.has_glob and word.is_relative and not is_recursive
    if is_here and _is_after_unchecked_cd(command, script):
        return _here(value)
    if is_recursive or word.has_glob:
        return _unchecked(word, value, is_recursive, script)
    return ""


def _here(value: str) -> str:
    return f"deletes {value} of whatever folder it happens to run in"


def _unchecked(word: Word, value: str, is_recursive: bool, script: Script) -> str:
    """What a variable or a command's output makes uncertain about the path."""
    if re.match(r"\$\(|`", value) and is_recursive:
        return "deletes, with all below, whatever a command prints"
    leading = word.leading
    if leading is not None and script.variables.may_be_empty(leading):
        rest = value[len(_expansion_text(value)) :]
        if rest.startswith("/"):
            return f"deletes {rest} of the file system's root when ${leading.name} is empty"
        return f"deletes whatever ${leading.name} holds, and nothing checks it"
    return _unchecked_inside(word, value, script)


def _expansion_text(value: str) -> str:
    found = re.match(r"\$(\{[^}]*\}|\w+|.)", value)
    return found.group() if found else ""


def _unchecked_inside(word: Word, value: str, script: Script) -> str:
    for expansion in word.expansions:
        inside = re.search(rf"([^\s]*/)\$\{{?{re.escape(expansion.name)}\b\}}?(/\*?)?$", value)
        if inside and script.variables.may_be_empty(expansion):
            return f"deletes all of {inside.group(1)} when ${expansion.name} is empty"
    return ""


def _is_after_checked_cd(command: Command, script: Script) -> bool:
    """Whether a `cd` that must have succeeded comes before it."""
    moves = _moves_before(command, script)
    return bool(moves) and (script.stops_on_error or is_looked_at(moves[-1].node))


def _is_after_unchecked_cd(command: Command, script: Script) -> bool:
    return bool(_moves_before(command, script)) and not _is_after_checked_cd(command, script)


def _moves_before(command: Command, script: Script) -> list[Command]:
    before = [one for one in script.commands if one.line <= command.line and one is not command]
    return [one for one in before if one.name in ("cd", "pushd") and one.arguments]


def finds(command: Command, script: Script) -> Iterator[Danger]:
    """`find` that deletes without a test, in the whole system, or before its tests."""
    values = command.values
    if command.name != "find" or (command.is_inner and command.has_wrapper("find")):
        return
    deletes = [at for at, value in enumerate(values) if _deletes(values, at)]
    if not deletes:
        return
    tests = [at for at, value in enumerate(values) if _FIND_TESTS.fullmatch(value)]
    starts = _starts(command)
    if not tests:
        yield danger_of(
            command, f"deletes everything below {_named(starts)}", "add -name, -mtime or the like"
        )
    elif values[deletes[0]] == "-delete" and deletes[0] < tests[0]:
        what = "deletes everything: -delete stands before the tests"
        yield danger_of(command, what, "put -delete last")
    for start in starts:
        leading = start.leading
        if leading is not None and script.variables.may_be_empty(leading):
            what = f"deletes in whatever folder ${leading.name} names, and nothing checks it"
            yield danger_of(command, what, f'{_GUARD}"${{{leading.name}:?}}"')
        elif start.value in ("/", "/*", "/etc", "/usr", "/var", "/home", "/boot", "~", "$HOME"):
            yield danger_of(command, f"deletes files anywhere below {start.value}", _LOOK_FIRST)


def _deletes(values: list[str], at: int) -> bool:
    if values[at] == "-delete":
        return True
    runs = values[at].startswith("-exec") and at + 1 < len(values)
    return runs and values[at + 1].rpartition("/")[2] in ("rm", "shred", "unlink")


def _starts(command: Command) -> list[Word]:
    starts = []
    for word in command.arguments:
        if word.value.startswith(("-", "(", "!")):
            if word.value in ("-H", "-L", "-P"):
                continue
            break
        starts.append(word)
    return starts


def _named(starts: list[Word]) -> str:
    return " ".join(word.value for word in starts) or "the folder that it runs in"


def emptied(command: Command, script: Script) -> Iterator[Danger]:
    """Logs and histories that are emptied, by redirection, `truncate` or `: >`."""
    targets = [one.target for one in command.redirects if one.empties and one.target]
    is_empty_output = command.name in ("", ":", "true") or (
        command.name == "cat" and command.values == ["/dev/null"]
    )
    if command.name == "truncate":
        targets, is_empty_output = list(command.own_options.rest), True
    for target in targets:
        value = script.variables.resolved(target)
        if is_history(value):
            yield danger_of(command, "empties a shell's history", "leave it: it is evidence")
        elif is_empty_output and value.startswith("/var/log/"):
            what = f"empties a log: {value}"
            yield danger_of(command, what, "keep a copy, or let logrotate do it")
    if command.name == "history" and "-c" in command.values:
        yield danger_of(command, "clears the shell's history", "leave it: it is evidence")


def lost_moves(command: Command, script: Script) -> Iterator[Danger]:
    """`mv` into /dev/null, `rsync --delete`, `tar` over the root, `git`'s losses."""
    if command.name == "mv" and command.values[-1:] == ["/dev/null"]:
        yield danger_of(command, "replaces /dev/null or loses the file", "use rm, after a look")
    if (
        command.name == "rsync"
        and any(value.startswith("--del") for value in command.values)
        and not {"-n", "--dry-run"} & set(command.values)
        and not command.own_options.has("n")
    ):
        what = "deletes at the target what the source does not have"
        yield danger_of(command, what, "run it with --dry-run first; an empty source deletes all")
    if command.name == "tar" and _unpacks(command) and _folder_of(command) == "/":
        yield danger_of(
            command, "unpacks over the root folder", "list it first (tar -t), unpack aside"
        )


def _unpacks(command: Command) -> bool:
    options = command.own_options
    first = command.values[0] if command.values else ""
    return options.has("x", "--extract", "--get") or (first[:1] != "-" and "x" in first[:4])


def _folder_of(command: Command) -> str:
    word = command.own_options.word("C", "--directory")
    return word.value.partition("=")[2] or word.value if word else ""


def piped_removals(command: Command, script: Script) -> Iterator[Danger]:
    """`find | xargs rm` without zero bytes: a name with a blank deletes other files."""
    if command.name != "rm" or not command.has_wrapper("xargs"):
        return
    pipeline = pipeline_of(command.node)
    if pipeline is None or any(flag in command.text for flag in (" -0", "--null")):
        return
    first = next(below(pipeline, "command"), None)
    if first is not None and text_of(first).startswith(("find", "ls", "sudo find")):
        what = "deletes other files where a name has a blank in it"
        yield danger_of(command, what, "use find -print0 | xargs -0, or find -delete")


RULES: tuple[Rule, ...] = (removals, finds, emptied, lost_moves, piped_removals)
