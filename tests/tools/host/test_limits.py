from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, process, texts, troubles, unseen
from tools.host.limits import look_at_limits


def write(machine: Recorded, files: str = "900\t0\t10000", tasks: int = 200) -> None:
    machine.write("proc/sys/fs/file-nr", files + "\n")
    machine.write("proc/sys/kernel/pid_max", "32768\n")
    machine.write("proc/sys/kernel/threads-max", "1000\n")
    machine.write("proc/loadavg", f"0.5 0.4 0.3 2/{tasks} 4711\n")


def test_far_from_all_limits(machine: Recorded) -> None:
    write(machine)
    machine.system.process_list = [process(1), process(2)]
    looks = list(look_at_limits(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == [
        "open files: 900 of 10000",
        "process table: 2 processes, 200 threads of 1000",
    ]


def test_a_limit_that_is_none(machine: Recorded) -> None:
    write(machine, files="1276\t0\t9223372036854775807")
    assert "open files: 1276" in texts(look_at_limits(machine.host()))


@pytest.mark.parametrize(("used", "suspicion"), [(8100, 0.5), (9100, 0.8), (9900, 0.95)])
def test_open_files_of_the_machine(machine: Recorded, used: int, suspicion: float) -> None:
    write(machine, files=f"{used + 10}\t10\t10000")
    (fact,) = troubles(look_at_limits(machine.host()))
    assert fact.text == f"open files: {used} of 10000"
    assert fact.suspicion == suspicion
    assert fact.note.startswith(f"{used // 100}% of the limit: ")


def test_the_smaller_of_two_limits_counts(machine: Recorded) -> None:
    write(machine, tasks=950)
    (fact,) = troubles(look_at_limits(machine.host()))
    assert fact.text == "process table: 0 processes, 950 threads of 1000"


def test_the_table_of_tracked_connections(machine: Recorded) -> None:
    write(machine)
    machine.write("proc/sys/net/netfilter/nf_conntrack_count", "262100\n")
    machine.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")
    (fact,) = troubles(look_at_limits(machine.host()))
    assert fact.text == "tracked connections: 262100 of 262144"
    assert fact.suspicion == 0.95


def test_what_the_kernel_does_not_tell_is_said(machine: Recorded) -> None:
    assert unseen(look_at_limits(machine.host())) == ["open files", "process table"]
