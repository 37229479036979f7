"""Real programs in the real sandbox; skipped, with the reason, where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox import (
    Limits,
    SandboxedProgram,
    SandboxRun,
    private_folder,
    run_sandboxed,
    sandbox_problem,
)

Run = Callable[..., SandboxRun]
FEW_SECONDS = Limits(time_s=10.0)


@pytest.fixture(scope="session")
def sandbox() -> None:
    problem = sandbox_problem()
    if problem:
        pytest.skip(problem)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user may pass, with a secret that every user may read."""
    with private_folder() as folder:
        folder.chmod(0o755)
        (folder / "secret").write_text("the secret\n")
        (folder / "secret").chmod(0o644)
        yield folder


@pytest.fixture
def folder(outside: Path) -> Path:
    """The folder that a program is given, beside the secret."""
    given = outside / "given"
    given.mkdir(mode=0o700)
    return given


@pytest.fixture
def run(sandbox: None, folder: Path) -> Run:
    """Runs a text of bash in the folder; keywords are of the program, the limits and the call."""

    def run(code: str, *, limits: Limits = FEW_SECONDS, **given: Any) -> SandboxRun:
        call = {name: given.pop(name) for name in ("on_output", "cancel") if name in given}
        return run_sandboxed(
            replace(SandboxedProgram("bash", code, folder), **given), limits, **call
        )

    return run


@pytest.fixture
def python(run: Run) -> Run:
    """The same for a text of Python."""
    return lambda code, **given: run(code, language="python", **given)
