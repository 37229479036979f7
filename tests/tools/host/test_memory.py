from __future__ import annotations

import pytest

from tests.tools.host.recorded import HEALTHY_PRESSURE, Recorded, process, texts, troubles, unseen
from tools.host.facts import GIB
from tools.host.memory import look_at_memory
from tools.host.system import Memory


def test_a_healthy_machine(machine: Recorded) -> None:
    machine.write("proc/pressure/memory", HEALTHY_PRESSURE)
    machine.write("proc/vmstat", "oom_kill 0\n")
    looks = list(look_at_memory(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == [
        "memory: 8.0 of 16.0 GiB used, 8.0 GiB available",
        "swap: none",
        "memory pressure: some 0.0% / 0.0%, full 0.0% / 0.0% (10 s / 60 s)",
        "OOM kills: 0 in 12 days since the machine was started",
    ]


@pytest.mark.parametrize(
    ("available_gib", "suspicion"), [(1.7, 0.0), (1.5, 0.5), (0.81, 0.5), (0.79, 0.8), (0.0, 0.8)]
)
def test_memory_runs_out(machine: Recorded, available_gib: float, suspicion: float) -> None:
    machine.system.memory_now = Memory(16 * GIB, int(available_gib * GIB))
    machine.system.process_list = [process(7, "java", resident_bytes=9 * GIB), process(8)]
    memory = next(iter(look_at_memory(machine.host())))
    assert getattr(memory, "suspicion", None) == suspicion
    if suspicion:
        assert "largest: java (pid 7), 9.0 GiB" in getattr(memory, "note", "")


def test_swap_is_full(machine: Recorded) -> None:
    machine.system.memory_now = Memory(16 * GIB, 8 * GIB, 4 * GIB, int(3.5 * GIB))
    (swap,) = troubles(look_at_memory(machine.host()))
    assert swap.text == "swap: 3.5 of 4.0 GiB used"
    assert swap.note == "88% of the swap space is used"


@pytest.mark.parametrize(("uptime_s", "suspicion"), [(600, 0.7), (86400, 0.25)])
def test_kills_since_a_short_time_weigh_more(
    machine: Recorded, uptime_s: float, suspicion: float
) -> None:
    machine.write("proc/vmstat", "nr_free_pages 5\noom_kill 3\n")
    machine.system.uptime_now_s = uptime_s
    (kills,) = troubles(look_at_memory(machine.host()))
    assert kills.text.startswith("OOM kills: 3 in ")
    assert kills.suspicion == suspicion


def test_what_the_kernel_does_not_tell_is_said(machine: Recorded) -> None:
    assert unseen(look_at_memory(machine.host())) == ["memory pressure", "OOM kills"]
