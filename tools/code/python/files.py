"""Rules for files that a program deletes, writes over, opens to all or unpacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.code.python.calls import Call, Program
from tools.code.python.danger import Rule, danger_of
from tools.code.report import Danger
from tools.code.shell.paths import is_configuration, is_data_folder, is_device, is_system_folder

_TEMPORARY = ("tempfile.mkdtemp", "tempfile.TemporaryDirectory", "tempfile.gettempdir")
_LOOK = (
    "check that it is below the folder you mean (Path.resolve, is_relative_to), and list it first"
)


def trees(call: Call, program: Program) -> Iterator[Danger]:
    """`shutil.rmtree` of what is not certain, or of a folder of the system."""
    if call.name not in ("shutil.rmtree", "os.removedirs", "distutils.dir_util.remove_tree"):
        return
    target = call.argument(0, "path", "name")
    if target is None:
        return
    path = program.literal(target)
    if path is not None and (is_system_folder(path) or is_data_folder(path)):
        yield danger_of(call, f"deletes {path} with all below", _LOOK)
    elif path is None and not _is_temporary(target, program):
        what = f"deletes, with all below, whatever {program.text_of(target)} is"
        yield danger_of(call, what, _LOOK)


def _is_temporary(node: ast.expr, program: Program) -> bool:
    value = program.only_value(node)
    calls = [one for one in ast.walk(value) if isinstance(one, ast.Call)]
    return any(program.name_of(one.func) in _TEMPORARY for one in calls)


def single_files(call: Call, program: Program) -> Iterator[Danger]:
    """A file of the system's that is deleted."""
    if call.name in ("os.remove", "os.unlink"):
        path = program.literal(call.argument(0, "path"))
    elif call.name == ".unlink" or call.name.endswith(".unlink"):
        path = _receiver_path(call, program)
    else:
        return
    if path and (is_configuration(path) or path.startswith(("/usr/", "/var/log/", "/var/lib/"))):
        yield danger_of(call, f"deletes {path}", "move it aside, so that it can come back")


def _receiver_path(call: Call, program: Program) -> str | None:
    function = call.node.func
    return program.literal(function.value) if isinstance(function, ast.Attribute) else None


def written(call: Call, program: Program) -> Iterator[Danger]:
    """Configuration or a device that is opened for writing."""
    path = written_path(call, program)
    if path is None or _is_kept(program):
        return
    if is_device(path):
        yield danger_of(call, f"overwrites a disk: {path}", "check the device's name with lsblk")
    elif is_configuration(path) or path.startswith(("/usr/", "/bin/", "/sbin/", "/lib/")):
        what = f"replaces {path}, and nothing keeps what was there"
        advice = "copy it first, write beside it and os.replace it once it is valid"
        yield danger_of(call, what, advice)


def _is_kept(program: Program) -> bool:
    copies = (
        "shutil.copy",
        "shutil.copy2",
        "shutil.copyfile",
        "os.rename",
        "os.replace",
        "shutil.move",
    )
    return any(call.name in copies for call in program.calls)


def written_path(call: Call, program: Program) -> str | None:
    """The path that the call empties and writes, as far as it is certain."""
    if call.name in ("open", "io.open"):
        mode = program.literal(call.argument(1, "mode")) or "r"
        return program.literal(call.argument(0, "file")) if set(mode) & set("wx+") else None
    if call.name.endswith((".write_text", ".write_bytes")):
        return _receiver_path(call, program)
    if call.name.endswith(".open") and call.name != "os.open":
        mode = program.literal(call.argument(0, "mode")) or "r"
        return _receiver_path(call, program) if set(mode) & set("wx+") else None
    return None


def rights(call: Call, program: Program) -> Iterator[Danger]:
    """A mode that lets every user write."""
    is_chmod = call.name in ("os.chmod", ".chmod") or call.name.endswith(".chmod")
    mode = call.argument(1 if call.name == "os.chmod" else 0, "mode") if is_chmod else None
    if isinstance(mode, ast.Constant) and isinstance(mode.value, int) and mode.value & 0o002:
        what = "lets every user of the machine change it"
        yield danger_of(call, what, "give it to the owner or a group: 0o750, 0o640")


def archives(call: Call, program: Program) -> Iterator[Danger]:
    """An archive whose names may lead out of the folder that it is unpacked to."""
    is_tar = any(name.startswith("tarfile") for name in program.imported.values())
    if call.name.endswith(".extractall") and is_tar and call.argument(-1, "filter") is None:
        what = "unpacks wherever the archive's names lead, out of its folder too"
        yield danger_of(call, what, 'extractall(path, filter="data")')
    if call.name == "tempfile.mktemp":
        what = "gives a name that another user can take first"
        yield danger_of(call, what, "NamedTemporaryFile or mkstemp")


RULES: tuple[Rule, ...] = (trees, single_files, written, rights, archives)
