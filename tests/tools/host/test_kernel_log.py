from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, texts, troubles, unseen
from tools.host.kernel_log import KernelMessage, look_at_kernel_log, parse_kernel_log

HOUR_US = 3600 * 10**6


def said(machine: Recorded, *messages: str, at_us: int = HOUR_US, uptime_s: float = 3700) -> None:
    machine.system.uptime_now_s = uptime_s
    lines = [f"4,{n},{at_us},-;{message}" for n, message in enumerate(messages)]
    machine.write("dev/kmsg", "\n".join(lines) + "\n")


def test_messages_without_their_details() -> None:
    text = "6,339,5140900,-;NET: ready\n SUBSYSTEM=net\nrubbish\n30,340,5690716,c,x=y;udevd: a;b\n"
    assert parse_kernel_log(text) == [
        KernelMessage(5.1409, "NET: ready"),
        KernelMessage(5.690716, "udevd: a;b"),
    ]


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("Out of memory: Killed process 4711 (java) total-vm:9kB", "want of memory"),
        ("Memory cgroup out of memory: Killed process 12 (node)", "want of memory"),
        ("oom-kill:constraint=CONSTRAINT_MEMCG,task=java,pid=4711", "want of memory"),
        ("blk_update_request: I/O error, dev sda, sector 12345", "disk"),
        ("EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2", "disk"),
        ("EXT4-fs (sda1): Remounting filesystem read-only", "disk"),
        ("XFS (dm-0): Metadata corruption detected at xfs_agf", "disk"),
        ("nf_conntrack: nf_conntrack: table full, dropping packet", "tracked connections"),
        ("VFS: file-max limit 8192 reached", "open files"),
        ("cgroup: fork rejected by pids controller in /docker/ab", "process"),
        ("mce: [Hardware Error]: CPU 2: Machine Check: 0", "hardware"),
        ("neighbour: arp_cache: neighbor table overflow!", "neighbours"),
        ("watchdog: BUG: soft lockup - CPU#0 stuck for 22s!", "stuck"),
        ("INFO: task jbd2/sda1-8:123 blocked for more than 120 seconds.", "stuck"),
        ("app[77]: segfault at 0 ip 0000 sp 0000 error 4 in app", "crashed"),
        ("TCP: request_sock_TCP: Possible SYN flooding on port 80.", "accepted"),
        ("e1000: eth0 NIC Link is Down", "link"),
        ("CPU3: Core temperature above threshold, cpu clock throttled", "hot"),
    ],
)
def test_each_kind_of_trouble(machine: Recorded, message: str, meaning: str) -> None:
    said(machine, "usb 1-1: new device", message)
    (fact,) = troubles(look_at_kernel_log(machine.host()))
    assert fact.text == message
    assert meaning in fact.note
    assert fact.note.endswith("; 100 s ago, 1 of this kind in the kernel log")


@pytest.mark.parametrize(
    "message",
    [
        "EXT4-fs (vda): mounted filesystem 00 r/w with ordered data mode",
        "e1000: eth0 NIC Link is Up 1000 Mbps",
        "Memory: 24105M/24576M available",
        "systemd[1]: Started Session 4 of user root.",
        "thermal_sys: Registered thermal governor 'step_wise'",
    ],
)
def test_ordinary_messages(machine: Recorded, message: str) -> None:
    said(machine, message)
    assert texts(look_at_kernel_log(machine.host())) == ["kernel log: no trouble"]


@pytest.mark.parametrize(
    ("uptime_s", "suspicion", "told"),
    [(3610, 0.9, "10 s"), (3600 * 3, 0.288, "2 h"), (3600 * 72, 0.18, "3 days")],
)
def test_trouble_fades(machine: Recorded, uptime_s: float, suspicion: float, told: str) -> None:
    said(machine, *["Out of memory: Killed process 1 (a)"] * 3, uptime_s=uptime_s)
    (fact,) = troubles(look_at_kernel_log(machine.host()))
    assert fact.suspicion == suspicion
    assert f"{told} ago, 3 of this kind" in fact.note


def test_the_newest_of_each_kind_is_shown(machine: Recorded) -> None:
    said(
        machine,
        "Out of memory: Killed process 1 (a)",
        "app[77]: segfault at 0 ip 0000",
        "Out of memory: Killed process 2 (b)",
    )
    assert [fact.text for fact in troubles(look_at_kernel_log(machine.host()))] == [
        "Out of memory: Killed process 2 (b)",
        "app[77]: segfault at 0 ip 0000",
    ]


def test_a_log_that_this_user_may_not_read(machine: Recorded) -> None:
    assert unseen(look_at_kernel_log(machine.host())) == ["kernel log"]
