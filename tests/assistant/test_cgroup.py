"""Control groups as files: the trees are what the kernel shows in each case."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.cgroup import GroupLimits, MemoryLimit, read_limits

MIB = 1 << 20
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"


class Tree:
    """A file system of a few files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def process(self, groups: str, *mounts: str) -> None:
        self.write("proc/self/cgroup", groups)
        self.write(
            "proc/self/mountinfo", "\n".join(["22 1 8:1 / / rw - ext4 /dev/sda1 rw", *mounts])
        )

    def limits(self) -> GroupLimits:
        return read_limits(self.root)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_no_control_groups_are_no_limits(tree: Tree) -> None:
    assert tree.limits() == GroupLimits()


def test_version_2_in_a_container(tree: Tree) -> None:
    tree.process("0::/", V2_MOUNT)
    tree.write("sys/fs/cgroup/cpu.max", "150000 100000")
    tree.write("sys/fs/cgroup/memory.max", str(512 * MIB))
    tree.write("sys/fs/cgroup/memory.current", str(300 * MIB))
    tree.write("sys/fs/cgroup/memory.stat", f"anon 5\ninactive_file {100 * MIB}\nactive_file 7")
    assert tree.limits() == GroupLimits(1.5, MemoryLimit(512 * MIB, 312 * MIB))


def test_version_2_without_limits(tree: Tree) -> None:
    tree.process("0::/user.slice", V2_MOUNT)
    tree.write("sys/fs/cgroup/user.slice/cpu.max", "max 100000")
    tree.write("sys/fs/cgroup/user.slice/memory.max", "max")
    assert tree.limits() == GroupLimits()


def test_limits_of_parents_hold_and_the_tightest_counts(tree: Tree) -> None:
    tree.process("0::/a.slice/b.service", V2_MOUNT)
    tree.write("sys/fs/cgroup/cpu.max", "max 100000")
    tree.write("sys/fs/cgroup/a.slice/cpu.max", "200000 100000")
    tree.write("sys/fs/cgroup/a.slice/memory.max", str(100 * MIB))
    tree.write("sys/fs/cgroup/a.slice/memory.current", str(90 * MIB))
    tree.write("sys/fs/cgroup/a.slice/b.service/cpu.max", "400000 100000")
    tree.write("sys/fs/cgroup/a.slice/b.service/memory.max", str(60 * MIB))
    tree.write("sys/fs/cgroup/a.slice/b.service/memory.current", str(10 * MIB))
    tree.write("sys/fs/cgroup/other.slice/cpu.max", "10000 100000")
    assert tree.limits() == GroupLimits(2.0, MemoryLimit(100 * MIB, 10 * MIB))


def test_version_1_has_a_hierarchy_for_each_controller(tree: Tree) -> None:
    tree.process(
        "9:name=systemd:/\n4:memory:/jobs/one\n2:cpu,cpuacct:/half\n0::/",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
        "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory",
        "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd",
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    )
    tree.write("sys/fs/cgroup/cpu,cpuacct/half/cpu.cfs_quota_us", "50000")
    tree.write("sys/fs/cgroup/cpu,cpuacct/half/cpu.cfs_period_us", "100000")
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1")
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000")
    tree.write("sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes", str(64 * MIB))
    tree.write("sys/fs/cgroup/memory/jobs/one/memory.usage_in_bytes", str(40 * MIB))
    tree.write("sys/fs/cgroup/memory/jobs/one/memory.stat", f"cache 9\ntotal_inactive_file {MIB}")
    tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    assert tree.limits() == GroupLimits(0.5, MemoryLimit(64 * MIB, 25 * MIB))


@pytest.mark.parametrize("path", ["/docker/0af3", "/docker/another", "/../sibling"])
def test_path_of_the_host_is_found_where_the_container_sees_it(tree: Tree, path: str) -> None:
    tree.process(
        f"3:cpu:{path}", "32 31 0:29 /docker/0af3 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu"
    )
    tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000")
    tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert tree.limits().cpus == 3.0


def test_more_used_than_allowed_leaves_nothing(tree: Tree) -> None:
    tree.process("0::/", V2_MOUNT)
    tree.write("sys/fs/cgroup/memory.max", str(10 * MIB))
    tree.write("sys/fs/cgroup/memory.current", str(11 * MIB))
    assert tree.limits().memory == MemoryLimit(10 * MIB, 0)


@pytest.mark.parametrize("text", ["", "x", "100000", "max", "-5 100000", "1e5 x"])
def test_what_cannot_be_read_is_no_limit(tree: Tree, text: str) -> None:
    tree.process("0::/\nnonsense\n:", V2_MOUNT, "nonsense", "1 2 3 / /x - cgroup", "- -")
    tree.write("sys/fs/cgroup/cpu.max", text)
    tree.write("sys/fs/cgroup/memory.max", text)
    (tree.root / "sys/fs/cgroup/memory.stat").write_bytes(b"\xff\xfe 1\n")
    assert tree.limits().cpus is None


def test_the_real_one_can_be_read() -> None:
    limits = read_limits()
    assert limits.cpus is None or limits.cpus > 0
    assert limits.memory is None or limits.memory.available_bytes <= limits.memory.limit_bytes
