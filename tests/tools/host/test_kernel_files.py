from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.host.kernel_files import KernelFiles


@pytest.fixture
def files(tmp_path: Path) -> KernelFiles:
    (tmp_path / "number").write_text("42\n")
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "row").write_text("1\t2 3\n")
    (tmp_path / "counters").write_text("oom_kill 3\nhead\nbad x\n")
    return KernelFiles(tmp_path)


def test_each_form(files: KernelFiles) -> None:
    assert files.number("number") == 42
    assert files.number("max") is None
    assert files.numbers("row") == [1, 2, 3]
    assert files.numbers("counters") == []
    assert files.counters("counters") == {"oom_kill": 3}
    assert files.lines("max") == ["max"]


def test_what_is_missing_is_none(files: KernelFiles) -> None:
    assert files.text("missing") is None
    assert files.text(".") is None
    assert files.waiting("missing") is None
    assert files.number("missing") is None
    assert files.lines("missing") == []
    assert files.counters("missing") == {}


def test_a_device_that_holds_nothing_more_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "device")
    writer = os.open(tmp_path / "device", os.O_RDWR)
    os.write(writer, b"6,1,2,-;hello\n")
    assert KernelFiles(tmp_path).waiting("device") == "6,1,2,-;hello\n"
    assert KernelFiles(tmp_path).waiting("device") == ""
    os.close(writer)


def test_the_kernels_own_files_can_be_read() -> None:
    assert KernelFiles().number("proc/sys/kernel/pid_max")
    assert KernelFiles().text("proc/self/limits")
