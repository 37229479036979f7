from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import SandboxUnavailable
from tools.sandbox import Limits, SandboxedProgram, SandboxRun, run_sandboxed, sandbox_problem
from tools.sandbox.complaint import explained

Run = Callable[..., SandboxRun]


def test_without_bubblewrap_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install bubblewrap" in (sandbox_problem() or "")
    with pytest.raises(SandboxUnavailable, match="not installed"):
        run_sandboxed(SandboxedProgram("bash", "touch x", folder), Limits())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("bwrap: Unknown option --disable-userns", "0.8"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "User namespaces"),
        (
            "bwrap: No permissions to create new namespace, likely because the kernel does not "
            "allow non-privileged user namespaces.",
            "User namespaces",
        ),
        ("bwrap: setting up uid map: Permission denied", "User namespaces"),
        ("bwrap: Can't find source path /root/a: Permission denied", "passable"),
        ("bwrap: something new", "command line"),
        ("", "command line"),
    ],
)
def test_a_complaint_is_explained(complaint: str, hint: str) -> None:
    error = explained(complaint)
    assert complaint.removeprefix("bwrap: ") in error.message
    assert hint in error.hint


def test_where_namespaces_are_forbidden_bubblewrap_says_what_is_understood(run: Run) -> None:
    # Inside, no further user namespace can be made.
    bwrap = shutil.which("bwrap")
    ran = run(f"{bwrap} --unshare-user --ro-bind / / true; echo $?")
    assert ran.stdout == "1\n"
    assert "User namespaces seem to be forbidden" in explained(ran.stderr).hint


def test_a_folder_that_the_programs_user_cannot_reach_is_said(
    run: Run, outside: Path, folder: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root's programs are another user's")
    outside.chmod(0o700)
    with pytest.raises(SandboxUnavailable) as raised:
        run("touch x")
    assert "passable for every user" in raised.value.hint
    assert list(folder.iterdir()) == []
    assert folder.stat().st_uid == 0
