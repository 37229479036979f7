from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from assistant.machine import Machine, parse_cpu_list, read_machine

GIB = 1 << 30
Memory = namedtuple("Memory", "available")


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 * GIB))


def machine(
    monkeypatch: pytest.MonkeyPatch, root: Path, cores: Iterable[str], usable: set[int]
) -> Machine:
    """A machine with `cores`, each the list of its processors, of which some are usable."""
    for core in cores:
        for processor in parse_cpu_list(core):
            folder = root / f"sys/devices/system/cpu/cpu{processor}/topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(f"{core}\n")
    (root / "sys/devices/system/cpu/cpufreq").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: usable)
    return read_machine(root)


def counts(machine: Machine) -> tuple[int, int, int, int]:
    return (
        machine.num_cores,
        machine.num_usable_cores,
        machine.num_fast_cores,
        machine.num_usable_processors,
    )


@pytest.mark.parametrize(
    ("cores", "usable", "expected"),
    [
        (["0", "1"], {0, 1}, (2, 2, 2, 2)),
        (["0,2", "1,3"], {0, 1, 2, 3}, (2, 2, 2, 4)),
        (["0-1", "2-3"], {0, 1}, (2, 1, 1, 2)),
        (["0,4", "1,5", "2,6", "3,7"], {5, 6}, (4, 2, 2, 2)),
        # A kernel that tells nothing of cores.
        ([], {0, 3, 5}, (3, 3, 3, 3)),
    ],
)
def test_cores_are_counted_not_their_threads(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cores: list[str],
    usable: set[int],
    expected: tuple[int, int, int, int],
) -> None:
    assert counts(machine(monkeypatch, tmp_path, cores, usable)) == expected


@pytest.mark.parametrize(
    ("usable", "expected"), [(set(range(8)), (6, 6, 2, 8)), ({4, 5}, (6, 2, 2, 2))]
)
def test_performance_cores_of_a_hybrid(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    usable: set[int],
    expected: tuple[int, int, int, int],
) -> None:
    (tmp_path / "sys/devices/cpu_core").mkdir(parents=True)
    (tmp_path / "sys/devices/cpu_core/cpus").write_text("0-3\n")
    cores = ["0-1", "2-3", "4", "5", "6", "7"]
    assert counts(machine(monkeypatch, tmp_path, cores, usable)) == expected


def test_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "proc/self/mountinfo").write_text("3 2 0:26 / /cg rw - cgroup2 none rw\n")
    (tmp_path / "cg").mkdir()
    (tmp_path / "cg/cpu.max").write_text("250000 100000\n")
    (tmp_path / "cg/memory.max").write_text(f"{4 * GIB}\n")
    (tmp_path / "cg/memory.current").write_text(f"{GIB}\n")
    found = machine(monkeypatch, tmp_path, ["0", "1"], {0, 1})
    assert (found.cpu_limit, found.memory_limit_bytes) == (2.5, 4 * GIB)
    assert found.available_bytes == 3 * GIB
    (tmp_path / "cg/memory.max").write_text(f"{64 * GIB}\n")
    assert read_machine(tmp_path).available_bytes == 8 * GIB


def test_drivers_of_gpus_are_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert machine(monkeypatch, tmp_path, [], {0}).gpu_drivers == ()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    assert read_machine(tmp_path).gpu_drivers == ("AMD",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0\n", {0}),
        ("0-3,8", {0, 1, 2, 3, 8}),
        ("", set()),
        ("\n", set()),
        ("3-1", set()),
        ("0-x,a,-2", set()),
    ],
)
def test_lists_of_processors(text: str, expected: set[int]) -> None:
    assert parse_cpu_list(text) == expected


def test_this_machine_makes_sense() -> None:
    found = read_machine()
    assert 1 <= found.num_fast_cores <= found.num_usable_cores <= found.num_cores
    assert found.num_usable_cores <= found.num_usable_processors
    assert found.available_bytes > 0
