from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, texts, troubles, unseen
from tools.host.disks import look_at_disks
from tools.host.facts import GIB
from tools.host.system import DiskSpace

ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw"


def space(used_gib: float, available_gib: float, inodes: int = 1000, free: int = 900) -> DiskSpace:
    total = int((used_gib + available_gib) * 1.05 * GIB)
    return DiskSpace(total, int(used_gib * GIB), int(available_gib * GIB), inodes, free)


def mounted(machine: Recorded, *lines: str) -> None:
    machine.write("proc/self/mountinfo", "\n".join(lines) + "\n")


def test_a_healthy_disk(machine: Recorded) -> None:
    mounted(machine, ROOT, "22 27 0:21 / /proc rw - proc proc rw")
    machine.system.space = {"/": space(44, 56)}
    looks = list(look_at_disks(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == ["disk / (/dev/vda1, ext4): 44.0 of 100.0 GiB used (44%), 56.0 GiB free"]
    assert unseen(looks) == ["io pressure"]
    assert machine.system.asked_points == ["/"]


@pytest.mark.parametrize(
    ("used", "suspicion"),
    [(89.9, None), (90.1, 0.45), (95.1, 0.7), (97.1, 0.85), (99.6, 0.95), (100, 0.95)],
)
def test_a_disk_runs_full(machine: Recorded, used: float, suspicion: float | None) -> None:
    mounted(machine, ROOT)
    machine.system.space = {"/": space(used, 100 - used)}
    found = troubles(look_at_disks(machine.host()))
    assert [fact.suspicion for fact in found] == ([] if suspicion is None else [suspicion])
    if used == 100:
        assert found[0].note == "no room for ordinary users"


def test_inodes_run_out(machine: Recorded) -> None:
    mounted(machine, ROOT)
    machine.system.space = {"/": space(44, 56, inodes=1000, free=20)}
    (fact,) = troubles(look_at_disks(machine.host()))
    assert fact.text == "disk / (/dev/vda1): 980 of 1000 inodes used"
    assert (fact.topic, fact.suspicion) == ("inodes", 0.85)


def test_a_file_system_without_a_number_of_inodes_has_enough(machine: Recorded) -> None:
    mounted(machine, ROOT)
    machine.system.space = {"/": space(44, 56, inodes=0, free=0)}
    assert troubles(look_at_disks(machine.host())) == []


def test_a_dead_servers_file_system_is_not_asked(machine: Recorded) -> None:
    mounted(
        machine,
        ROOT,
        "40 27 0:50 / /mnt/home rw - nfs4 nas:/home rw",
        "41 27 0:51 / /mnt/ssh rw - fuse.sshfs host: rw",
    )
    machine.system.space = {"/": space(44, 56)}
    looks = list(look_at_disks(machine.host()))
    assert machine.system.asked_points == ["/"]
    assert "room on file systems of other machines (/mnt/home, /mnt/ssh)" in unseen(looks)


def test_each_file_system_is_told_once(machine: Recorded) -> None:
    mounted(
        machine,
        ROOT,
        "30 27 254:0 /data /srv/data rw - ext4 /dev/vda1 rw",
        "31 27 0:60 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw",
        "32 27 0:61 / /run/big\\040room rw - tmpfs tmpfs rw",
        "33 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro",
        "34 27 254:0 /hosts /etc/hosts rw - ext4 /dev/vdb rw",
    )
    full = space(100, 0)
    machine.system.space = dict.fromkeys(
        ["/", "/srv/data", "/run/big room", "/snap/core/1", "/etc/hosts"], full
    )
    found = troubles(look_at_disks(machine.host()))
    assert [fact.text.split(": ")[0] for fact in found] == [
        "disk / (/dev/vda1, ext4)",
        "disk /run/big room (tmpfs, tmpfs)",
    ]


def test_the_root_of_a_container_is_an_overlay(machine: Recorded) -> None:
    mounted(machine, "31 1 0:60 / / rw - overlay overlay rw,lowerdir=x")
    machine.system.space = {"/": space(98, 2)}
    (fact,) = troubles(look_at_disks(machine.host()))
    assert fact.text.startswith("disk / (overlay, overlay): 98.0 of 100.0 GiB used (98%)")


@pytest.mark.parametrize(
    ("mount", "fstab", "suspicion"),
    [
        # The kernel makes the file system read-only, not the mount.
        ("27 1 254:0 / / rw,relatime - ext4 /dev/vda1 ro,errors=remount-ro", "", 0.95),
        ("27 1 254:0 / / ro,relatime - ext4 /dev/vda1 ro", "", None),
        (
            "27 1 254:0 / / ro,relatime - ext4 /dev/vda1 ro",
            "# a comment\nUUID=1 / ext4 defaults 0 1\n",
            0.75,
        ),
        ("27 1 254:0 / / ro,relatime - ext4 /dev/vda1 ro", "UUID=1 / ext4 ro,noatime 0 1", None),
        ("27 1 254:0 / / rw - squashfs /dev/loop1 ro", "", None),
        ("27 1 254:0 / / rw - ext4 /dev/vda1 rw", "", None),
    ],
)
def test_a_disk_became_read_only(
    machine: Recorded, mount: str, fstab: str, suspicion: float | None
) -> None:
    mounted(machine, mount)
    machine.write("etc/fstab", fstab)
    machine.system.space = {"/": space(44, 56)}
    found = troubles(look_at_disks(machine.host()))
    assert [fact.suspicion for fact in found] == ([] if suspicion is None else [suspicion])
    if found:
        assert found[0].text == "disk / (/dev/vda1, ext4): read-only"


def test_another_system_lists_its_own_mounts(machine: Recorded) -> None:
    machine.system.points = [("/", "/dev/disk3s1", "apfs")]
    machine.system.space = {"/": space(99, 1)}
    (fact,) = troubles(look_at_disks(machine.host()))
    assert fact.text.startswith("disk / (/dev/disk3s1, apfs): 99.0 of 100.0 GiB used")
