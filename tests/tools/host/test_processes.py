from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, process, texts, troubles, unseen
from tools.host.processes import look_at_open_files, look_at_processes

MIB = 1 << 20
LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            {}                 4096                 files     \n"
)


def limited(machine: Recorded, pid: int, soft: str, num_open: int) -> None:
    machine.write(f"proc/{pid}/limits", LIMITS.format(soft))
    machine.system.open_files[pid] = num_open


def test_the_largest_and_the_busiest(machine: Recorded) -> None:
    machine.system.process_list = [
        process(1, "init", resident_bytes=5 * MIB, cpu_s=1.0),
        process(2, "java", resident_bytes=4096 * MIB, cpu_s=10.0),
        process(3, "web", resident_bytes=100 * MIB, cpu_s=3.0),
    ]
    machine.system.later = [
        *machine.system.process_list[:2],
        process(3, "web", resident_bytes=100 * MIB, cpu_s=3.1),
    ]
    assert texts(look_at_processes(machine.host())) == [
        "processes: 3; most memory: java (2) 4.0 GiB, web (3) 100.0 MiB; most CPU: web (3) 50%"
    ]


def test_an_idle_machine(machine: Recorded) -> None:
    machine.system.process_list = [process(1, "init")]
    assert texts(look_at_processes(machine.host())) == [
        "processes: 1; most memory: none stands out; most CPU: none stands out"
    ]


@pytest.mark.parametrize(("number", "suspicion"), [(1, 0.2), (10, 0.45), (100, 0.65)])
def test_zombies_are_told_with_their_parent(
    machine: Recorded, number: int, suspicion: float
) -> None:
    zombies = [process(100 + n, "sh", status="zombie", parent_pid=7) for n in range(number)]
    machine.system.process_list = [process(7, "worker"), *zombies]
    (fact,) = troubles(look_at_processes(machine.host()))
    assert fact.text == f"zombies: {number}, children of worker (7): {number}"
    assert fact.suspicion == suspicion


@pytest.mark.parametrize(("number", "suspicion"), [(1, 0.4), (3, 0.55), (10, 0.7)])
def test_what_waits_uninterruptibly_in_both_readings_is_stuck(
    machine: Recorded, number: int, suspicion: float
) -> None:
    stuck = [process(100 + n, "nfsd", status="disk-sleep", cpu_s=1.0) for n in range(number)]
    machine.system.process_list = [
        *stuck,
        process(1, "reader", status="disk-sleep"),
        process(2, "writer", status="disk-sleep", cpu_s=1.0),
        process(3, "late"),
    ]
    machine.system.later = [
        *stuck,
        process(1, "reader"),
        process(2, "writer", status="disk-sleep", cpu_s=1.1),
        process(3, "late", status="disk-sleep"),
        process(4, "new", status="disk-sleep"),
    ]
    (fact,) = troubles(look_at_processes(machine.host()))
    assert fact.text.startswith(f"uninterruptible: {number}: nfsd (100)")
    assert fact.suspicion == suspicion


def test_a_process_near_its_own_limit(machine: Recorded) -> None:
    machine.system.process_list = [process(7, "nginx"), process(8, "redis"), process(9)]
    limited(machine, 7, "1024", 1020)
    limited(machine, 8, "1024", 20)
    limited(machine, 9, "unlimited", 5000)
    (fact,) = look_at_open_files(machine.host(), {})
    assert fact in troubles([fact])
    assert getattr(fact, "text", "") == "open files of nginx (pid 7): 1020 of 1024"
    assert getattr(fact, "suspicion", 0) == 0.95


def test_more_processes_than_are_counted_are_said(machine: Recorded) -> None:
    machine.system.process_list = [process(pid) for pid in range(1, 521)]
    assert unseen(look_at_open_files(machine.host(), {})) == ["open files of 20 further processes"]


def test_services_are_told_by_their_names_healthy_or_not(machine: Recorded) -> None:
    machine.system.process_list = [process(7, "python3"), process(8, "python3")]
    limited(machine, 7, "1024", 20)
    looks = list(look_at_open_files(machine.host(), {"checkout": 7, "mailer": 8, "gone": 99}))
    assert texts(looks) == ["open files of checkout (pid 7): 20 of 1024"]
    assert troubles(looks) == []
    assert unseen(looks) == ["open files of mailer, gone"]
