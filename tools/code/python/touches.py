"""What a program would change or reach: files, programs, hosts, tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tools.code.python.calls import Call, Program
from tools.code.python.files import written_path
from tools.code.python.processes import argument_words

_URL = re.compile(
    r"^(?:https?|postgres(?:ql)?|mysql|redis|amqp|mongodb|ftp)(?:\+\w+)?://(?:[^/\s@]+@)?([^/\s]+)"
)
_DELETES = ("os.remove", "os.unlink", "shutil.rmtree", "os.rmdir", "os.removedirs")


def touched(program: Program) -> Iterator[str]:
    """A line for each thing, in the order of the program; what is not certain stands as written."""
    for call in program.calls:
        path = written_path(call, program)
        if path is not None:
            yield f"writes {path}"
        elif _opens_for_writing(call, program):
            yield f"writes {program.text_of(call.node.args[0])}"
        if call.name in _DELETES and call.node.args:
            target = call.node.args[0]
            yield f"deletes {program.literal(target) or program.text_of(target)}"
        yield from _programs(call, program)
    yield from _hosts(program)


def _opens_for_writing(call: Call, program: Program) -> bool:
    mode = program.literal(call.argument(1, "mode")) or "r" if call.name == "open" else "r"
    return bool(set(mode) & set("wxa+")) and bool(call.node.args)


def _programs(call: Call, program: Program) -> Iterator[str]:
    if call.name.startswith("subprocess.") and (words := argument_words(call, program)):
        yield f"runs {' '.join(words)}"
    elif (
        call.name in ("os.system", "os.popen")
        or (call.name.startswith("subprocess.") and call.is_true("shell"))
    ) and call.node.args:
        yield f"runs in a shell: {program.shell_text(call.node.args[0])}"


def _hosts(program: Program) -> Iterator[str]:
    for node in program.nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (found := _URL.match(node.value))
        ):
            yield f"host {found[1]}"
