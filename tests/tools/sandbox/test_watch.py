"""The looks that a run takes, on this very process and on folders of every kind."""

from __future__ import annotations

import mmap
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.sandbox import Limits
from tools.sandbox.watch import FolderWatch, MemoryWatch, family, held_bytes, is_over

MIB = 1024 * 1024
LIMITS = Limits(folder_bytes=20_000, folder_entries=5)
NONE_THERE = 2**22 + 1


def test_a_family_has_the_children_of_children() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        grandchild = int(shell.stdout.readline())
        assert {os.getpid(), shell.pid, grandchild} <= set(family(os.getpid()))
        assert set(family(shell.pid)) == {shell.pid, grandchild}
        os.kill(grandchild, 9)


def test_memory_counts_when_it_is_written() -> None:
    before = held_bytes(os.getpid())
    # A mapping of its own: memory that this process has freed before would not count anew.
    with mmap.mmap(-1, 30_000_000) as held:
        held.write(b"x" * len(held))
        assert held_bytes(os.getpid()) - before > 25_000_000
        assert MemoryWatch(os.getpid(), Limits(memory_bytes=len(held))).is_exceeded()
        assert not MemoryWatch(os.getpid(), Limits(memory_bytes=2**40)).is_exceeded()


def test_a_process_that_has_ended_holds_nothing() -> None:
    assert held_bytes(NONE_THERE) == 0
    assert list(family(NONE_THERE)) == [NONE_THERE]


@pytest.mark.parametrize(
    ("names", "size_bytes", "expected"),
    [("ab", MIB, False), ("abc", MIB, True), ("abcde", 0, False), ("abcdef", 0, True)],
)
def test_a_folder_is_over_by_size_or_number(
    tmp_path: Path, names: str, size_bytes: int, expected: bool
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x" * size_bytes)
    assert is_over(tmp_path, Limits(folder_bytes=5 * MIB // 2, folder_entries=5)) == expected


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_bytes(b"x" * 100_000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "full")
    assert not is_over(tmp_path / "folder", LIMITS)


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "expected"),
    [
        (50_000, 1000, False),  # plenty of both
        (30_000, 1000, False),  # taken, and plenty left
        (4_000, 1000, True),
        (100_000, 996, False),
        (100_000, 40, True),
    ],
)
def test_a_disk_that_runs_full_meanwhile_is_too_much(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free_bytes: int,
    free_files: int,
    expected: bool,
) -> None:
    def disk(free_bytes: int, free_files: int) -> SimpleNamespace:
        return SimpleNamespace(
            f_frsize=1, f_blocks=100_000, f_bavail=free_bytes, f_files=1000, f_favail=free_files
        )

    monkeypatch.setattr(os, "statvfs", lambda _: disk(50_000, 1000))
    watch = FolderWatch(tmp_path, LIMITS)
    monkeypatch.setattr(os, "statvfs", lambda _: disk(free_bytes, free_files))
    assert watch.is_exceeded() == expected
