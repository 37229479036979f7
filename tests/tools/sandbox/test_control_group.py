"""The choice of a group, over folders that look as the kernel's; `test_limits` has real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.sandbox.control_group import _own_paths, _parents, control_group
from tools.sandbox.program import Limits

UNIFIED = "0::/user.slice/app.slice/shell.scope\n"
SEPARATE = "4:memory:/box/shell\n3:cpu,pids:/shell\n0::/\n"


def group(folder: Path, handed_down: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.procs").touch()
    if handed_down is not None:
        (folder / "cgroup.subtree_control").write_text(handed_down)
    return folder


def test_our_groups_are_read_by_controller(tmp_path: Path) -> None:
    (tmp_path / "own").write_text(SEPARATE)
    assert _own_paths(tmp_path / "own") == {
        "memory": "/box/shell",
        "cpu": "/shell",
        "pids": "/shell",
        "": "/",
    }


def test_in_the_unified_hierarchy_the_nearest_that_hands_both_down_is_taken(tmp_path: Path) -> None:
    (tmp_path / "own").write_text(UNIFIED)
    root = group(tmp_path / "root", "cpu memory pids\n")
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    group(root / "user.slice", "memory pids\n")
    group(root / "user.slice" / "app.slice", "memory\n")
    group(root / "user.slice" / "app.slice" / "shell.scope", "")
    assert _parents(root, _own_paths(tmp_path / "own")) == [root / "user.slice"]


def test_separate_hierarchies_are_taken_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "own").write_text(SEPARATE)
    root = tmp_path / "root"
    expected = [group(root / "memory" / "box" / "shell"), group(root / "pids")]
    assert _parents(root, _own_paths(tmp_path / "own")) == expected


@pytest.mark.parametrize("own", [UNIFIED, SEPARATE, ""])
def test_where_there_is_none_there_is_none(tmp_path: Path, own: str) -> None:
    (tmp_path / "own").write_text(own)
    group(tmp_path / "root")
    (tmp_path / "root" / "cgroup.controllers").touch()
    with control_group(Limits(), tmp_path / "root", tmp_path / "own") as found:
        assert found is None
