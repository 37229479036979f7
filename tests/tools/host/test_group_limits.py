from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, texts, troubles
from tools.host.group_limits import look_at_groups

MIB = 1 << 20
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
GROUP = "sys/fs/cgroup/app.slice"


def in_group(machine: Recorded, path: str = "/app.slice", process: str = "self") -> None:
    machine.write(f"proc/{process}/cgroup", f"0::{path}\n")
    machine.write("proc/self/mountinfo", V2)
    (machine.root / "sys/fs/cgroup" / path.lstrip("/")).mkdir(parents=True, exist_ok=True)


def test_no_limits_no_facts(machine: Recorded) -> None:
    assert list(look_at_groups(machine.host(), {})) == []
    in_group(machine)
    machine.write(f"{GROUP}/memory.max", "max\n")
    machine.write(f"{GROUP}/pids.max", "max\n")
    assert list(look_at_groups(machine.host(), {})) == []


@pytest.mark.parametrize(("used_mib", "suspicion"), [(200, 0.0), (465, 0.5), (500, 0.8)])
def test_memory_without_what_can_be_dropped(
    machine: Recorded, used_mib: int, suspicion: float
) -> None:
    in_group(machine)
    machine.write(f"{GROUP}/memory.max", f"{512 * MIB}\n")
    machine.write(f"{GROUP}/memory.current", f"{(used_mib + 100) * MIB}\n")
    machine.write(f"{GROUP}/memory.stat", f"anon 5\ninactive_file {100 * MIB}\n")
    (fact,) = look_at_groups(machine.host(), {})
    assert fact.text.startswith("group /app.slice: ")
    assert fact.text.endswith(" of 0.5 GiB memory used")
    assert fact.suspicion == suspicion


def test_kills_throttling_and_numbers_of_processes(machine: Recorded) -> None:
    in_group(machine)
    machine.write(f"{GROUP}/memory.events", "low 0\noom 3\noom_kill 2\n")
    machine.write(f"{GROUP}/cpu.stat", "usage_usec 9\nnr_periods 1000\nnr_throttled 300\n")
    machine.write(f"{GROUP}/pids.current", "99\n")
    machine.write(f"{GROUP}/pids.max", "100\n")
    kills, held_back, processes = troubles(look_at_groups(machine.host(), {}))
    assert kills.text == "group /app.slice: 2 OOM kills since it was made"
    assert held_back.text == "group /app.slice: CPU held back in 300 of 1000 periods"
    assert held_back.suspicion == 0.6
    assert processes.text == "group /app.slice: 99 of 100 processes and threads"


def test_a_young_group_says_nothing_of_throttling(machine: Recorded) -> None:
    in_group(machine)
    machine.write(f"{GROUP}/cpu.stat", "nr_periods 10\nnr_throttled 10\n")
    assert list(look_at_groups(machine.host(), {})) == []


def test_the_groups_of_services_and_those_above(machine: Recorded) -> None:
    in_group(machine, "/user.slice")
    in_group(machine, "/app.slice/web.service", process="77")
    for group, limit in ((GROUP, 100), (f"{GROUP}/web.service", 200)):
        machine.write(f"{group}/pids.current", "99\n")
        machine.write(f"{group}/pids.max", f"{limit}\n")
    facts = list(look_at_groups(machine.host(), {"web": 77, "web-again": 77}))
    assert texts(facts) == [
        "group /app.slice/web.service: 99 of 200 processes and threads",
        "group /app.slice: 99 of 100 processes and threads",
    ]
    assert [fact.suspicion for fact in facts] == [0.0, 0.95]


def test_version_1(machine: Recorded) -> None:
    machine.write("proc/self/cgroup", "4:memory:/jobs/one\n2:cpu,cpuacct:/half\n0::/\n")
    machine.write(
        "proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n",
    )
    memory = "sys/fs/cgroup/memory"
    machine.write(f"{memory}/memory.limit_in_bytes", "9223372036854771712\n")
    machine.write(f"{memory}/jobs/one/memory.limit_in_bytes", f"{100 * MIB}\n")
    machine.write(f"{memory}/jobs/one/memory.usage_in_bytes", f"{99 * MIB}\n")
    machine.write(f"{memory}/jobs/one/memory.oom_control", "oom_kill_disable 0\noom_kill 1\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/half/cpu.stat", "nr_periods 200\nnr_throttled 20\n")
    assert texts(look_at_groups(machine.host(), {})) == [
        "group /jobs/one: 99.0 of 100.0 MiB memory used",
        "group /jobs/one: 1 OOM kills since it was made",
        "group /half: CPU held back in 20 of 200 periods",
    ]


def test_a_container_sees_its_own_group_as_the_top(machine: Recorded) -> None:
    machine.write("proc/self/cgroup", "0::/../../docker/0af3\n")
    machine.write("proc/self/mountinfo", V2)
    machine.write("sys/fs/cgroup/pids.current", "99\n")
    machine.write("sys/fs/cgroup/pids.max", "100\n")
    (fact,) = look_at_groups(machine.host(), {})
    assert fact.text == "group /: 99 of 100 processes and threads"
