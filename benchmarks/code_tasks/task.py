"""`Task`: a request, the folder that it is about, and the check of what a script made of it.

A task is a Python file of its own in `tests/code_tasks`, read by `read_tasks`:

    REQUEST     what a person types
    setup       makes the folder: `setup(place)`
    check       asserts the effect: `check(after)`; the assertion's message is the reason
    REFERENCE   a script that does it
    WRONG       scripts that a person might write and that do not

A check looks at files and output only, in a way that is fair to every script that does what was
asked: where the request leaves a choice, so does the check.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

TASKS = Path(__file__).parents[2] / "tests" / "code_tasks"
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a task, while it is made."""

    folder: Path

    def write(
        self, name: str, content: str | bytes = "", *, days_old: float = 0.0, mode: int = 0o644
    ) -> None:
        """A file, in folders that are made for it; `days_old` is how long ago it was written."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        written_at = time.time() - days_old * _DAY_S
        os.utime(path, (written_at, written_at))

    def program(self, name: str, code: str) -> None:
        """A shell script that can be run."""
        self.write(name, f"#!/bin/bash\n{code}", mode=0o755)

    def folders(self, *names: str) -> None:
        """Empty folders."""
        for name in names:
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script left: its output, and the folder before and after it."""

    folder: Path
    status: int
    stdout: str
    before: Mapping[str, bytes]

    @property
    def lines(self) -> list[str]:
        """The lines of the output that are not blank, spaces within them made one."""
        return [" ".join(line.split()) for line in self.stdout.splitlines() if line.strip()]

    @property
    def paths(self) -> list[str]:
        """The lines of the output as paths of the folder, without a leading `./` or its name."""
        lines = [line.strip().removeprefix("/sandbox/") for line in self.stdout.splitlines()]
        return [line.removeprefix("./") for line in lines if line]

    @property
    def files(self) -> dict[str, bytes]:
        """The files and their content; a link to a file counts as one, a broken one does not."""
        return contents(self.folder)

    def read(self, name: str) -> str:
        """A file's text, which must be there."""
        assert name in self.files, f"{name} is not there"
        return self.files[name].decode(errors="replace")

    def read_lines(self, name: str) -> list[str]:
        """Its lines, whether or not the last one ends."""
        return self.read(name).splitlines()

    def kept(self, *names: str) -> None:
        """Assert that these files are as they were."""
        files = self.files
        for name in names:
            assert name in files, f"{name} is gone"
            assert files[name] == self.before[name], f"{name} was changed"

    def removed(self, *names: str) -> None:
        """Assert that these files are gone."""
        for name in names:
            assert not os.path.lexists(self.folder / name), f"{name} is still there"

    def only(self, *names: str) -> None:
        """Assert that there is no other file than these."""
        found = set(self.files)
        assert found == set(names), f"the files are {sorted(found)}, not {sorted(names)}"

    def said(self, expected: Sequence[str], what: str = "the output") -> None:
        """Assert that the output has exactly these lines."""
        assert self.lines == list(expected), f"{what} is {self.lines}, not {list(expected)}"

    def listed(self, *expected: str) -> None:
        """Assert that the output names exactly these paths, in any order."""
        assert sorted(self.paths) == sorted(expected), (
            f"the output names {sorted(self.paths)}, not {sorted(expected)}"
        )


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder and their content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True, slots=True)
class Task:
    """One task, as its file has it."""

    name: str
    request: str
    setup: Callable[[Place], None]
    check: Callable[[Outcome], None]
    reference: str
    wrong: tuple[str, ...]


def read_tasks(folder: Path = TASKS) -> list[Task]:
    """The tasks in `folder`, by name."""
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("test_"))
    return [_task(path) for path in paths]


def _task(path: Path) -> Task:
    module = _module(path)
    return Task(
        name=path.stem,
        request=" ".join(module.REQUEST.split()),
        setup=module.setup,
        check=module.check,
        reference=module.REFERENCE,
        wrong=tuple(module.WRONG),
    )


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"code_task_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
