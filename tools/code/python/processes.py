"""Rules for programs that are started, and processes that are ended."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator

from tools.code.python.calls import Call, Program
from tools.code.python.danger import Rule, danger_of
from tools.code.report import Danger

_RUNS = tuple(
    f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")
)
_SHELL_RUNS = (
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "commands.getoutput",
    "asyncio.create_subprocess_shell",
)
_EXEC_RUNS = ("asyncio.create_subprocess_exec", "os.execvp", "os.spawnvp")
_NO_SHELL = "give a list of arguments, without a shell"


def shells(call: Call, program: Program) -> Iterator[Danger]:
    """A shell that gets text with values put into it; and what that shell code does."""
    command = _shell_code(call)
    if command is None:
        return
    if _has_values(command, program):
        what = "runs a shell with values put into its code: a value can be a command"
        yield danger_of(call, what, _NO_SHELL)
    yield from _of_shell(call, program.shell_text(command))


def _shell_code(call: Call) -> ast.expr | None:
    """The argument that a shell reads as code."""
    if call.name in _SHELL_RUNS or (call.name in _RUNS and call.is_true("shell")):
        return call.argument(0, "args", "cmd", "command")
    if call.name in (".exec_command", ".run_command", ".sudo"):
        return call.argument(0, "command")
    return None


def _has_values(node: ast.expr, program: Program) -> bool:
    """Whether it is put together of parts that are not known, unless each is quoted by shlex."""
    node = program.only_value(node)
    if isinstance(node, ast.Constant):
        return False
    if isinstance(node, ast.JoinedStr):
        return any(_has_values(part, program) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _has_values(node.value, program)
    if isinstance(node, ast.BinOp):
        return _has_values(node.left, program) or _has_values(node.right, program)
    if isinstance(node, ast.Call):
        return program.name_of(node.func) not in ("shlex.quote", "shlex.join", "int")
    return True


def programs(call: Call, program: Program) -> Iterator[Danger]:
    """What a list of arguments does, judged as the shell command that it is."""
    if call.name not in _RUNS + _EXEC_RUNS or call.is_true("shell"):
        return
    words = argument_words(call, program)
    if words:
        yield from _of_shell(call, " ".join(words))


def argument_words(call: Call, program: Program) -> list[str]:
    """The arguments as words of shell code; empty where they are no list that stands there."""
    first = call.argument(0, "args")
    listed = program.only_value(first) if first is not None else None
    elements: list[ast.expr] = []
    if isinstance(listed, ast.List | ast.Tuple):
        elements = listed.elts
    elif call.name in _EXEC_RUNS:
        elements = list(call.node.args)
    return [_word(element, program) for element in elements]


def _word(element: ast.expr, program: Program) -> str:
    text = program.shell_text(element)
    return f'"{text}"' if "$" in text else shlex.quote(text)


def _of_shell(call: Call, code: str) -> Iterator[Danger]:
    from tools.code.shell.check import dangers_of
    from tools.code.shell.script import read_script

    for danger in dangers_of(read_script(code)):
        # Its variables are Python's, which have no dollar sign.
        yield danger_of(call, danger.what.replace("$", ""), _NO_SHELL)


def kills(call: Call, program: Program) -> Iterator[Danger]:
    """Processes that are ended at once, or all of them."""
    if call.name not in ("os.kill", "os.killpg"):
        return
    target, signal = call.argument(0), call.argument(1)
    if isinstance(target, ast.UnaryOp) or (
        isinstance(target, ast.Constant) and target.value in (0, 1)
    ):
        what = "ends every process that it may, or init"
        yield danger_of(call, what, "name the one process")
    elif signal is not None and _is_hard(signal, program):
        what = "ends a process at once, with no chance to write what it holds"
        yield danger_of(call, what, "send SIGTERM, wait, and only then SIGKILL")


def _is_hard(signal: ast.expr, program: Program) -> bool:
    is_number = isinstance(signal, ast.Constant) and signal.value == 9
    is_alone = "SIGTERM" not in program.code and ".terminate(" not in program.code
    return (is_number or "SIGKILL" in ast.unparse(signal)) and is_alone


RULES: tuple[Rule, ...] = (shells, programs, kills)
