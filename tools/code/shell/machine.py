"""Rules for what harms a whole machine: its disks, its rights, its network, its processes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.paths import is_data_folder, is_device, is_system_folder
from tools.code.shell.patterns import Pattern, matched
from tools.code.shell.script import Script

_BACKUP = "make sure of a backup, and check the device's name with lsblk"
_REACH = "keep a second session open, and a timer that undoes it"

PATTERNS = (
    Pattern(("mkfs", "wipefs", "blkdiscard"), "destroys what is on the disk", _BACKUP),
    Pattern(
        ("fdisk", "sfdisk", "sgdisk", "parted", "mkswap", "cfdisk"),
        "rewrites a disk's partitions",
        _BACKUP,
        spares=("-l|--list|print|-p|--print|--dump|-d",),
    ),
    Pattern(
        ("lvremove", "vgremove", "pvremove", "zfs destroy", "zpool destroy", "zpool labelclear"),
        "destroys a volume and all that is on it",
        _BACKUP,
    ),
    Pattern(
        ("cryptsetup luksFormat", "cryptsetup erase", "btrfs subvolume delete", "lvreduce"),
        "destroys a volume and all that is on it",
        _BACKUP,
    ),
    Pattern(("mdadm",), "destroys a RAID's metadata", _BACKUP, ("--zero-superblock",)),
    Pattern(
        ("reboot", "poweroff", "halt", "shutdown", "systemctl reboot", "systemctl poweroff"),
        "takes the whole machine down",
        "drain it first, and tell who uses it",
        spares=("-c",),
    ),
    Pattern(
        ("init 0", "init 6", "telinit 0", "telinit 6", "systemctl isolate", "systemctl kexec"),
        "takes the whole machine down",
        "drain it first, and tell who uses it",
    ),
    Pattern(
        ("iptables", "ip6tables", "ebtables"),
        "removes every firewall rule: the machine is open, or cut off",
        "save the rules first (iptables-save); " + _REACH,
        ("-F|--flush|-X|--delete-chain",),
        ("INPUT|OUTPUT|FORWARD|DOCKER-USER",),
    ),
    Pattern(
        ("nft flush ruleset", "ufw disable", "ufw reset", "setenforce 0", "ufw --force reset"),
        "takes a protection of the whole machine away",
        "change the one rule that is in the way; " + _REACH,
    ),
    Pattern(
        ("ifdown", "ip addr flush", "ip address flush", "ip route flush", "nmcli networking off"),
        "cuts the machine off the network",
        _REACH,
    ),
    Pattern(
        ("ip route del default", "ip r del default"), "cuts the machine off the network", _REACH
    ),
    Pattern(("crontab",), "deletes every job of the table", "save it first: crontab -l", ("-r",)),
    Pattern(
        ("fuser",), "kills whatever uses the file or port", "look first, without -k", ("-k|--kill",)
    ),
    Pattern(
        ("umount",),
        "takes a file system away while something writes to it",
        "find out who uses it: lsof +D, fuser -vm",
        ("-l|-f|--lazy|--force",),
    ),
    Pattern(
        ("swapoff",),
        "moves all that is swapped out into memory at once",
        "look at free -m",
        ("-a|--all",),
    ),
    Pattern(
        ("pg_ctl stop", "pg_ctl restart"),
        "ends the database as a crash would",
        "use -m fast",
        ("immediate",),
    ),
    Pattern(
        ("date",),
        "sets the clock, at which logins, certificates and jobs fail",
        "chronyc makestep",
        ("-s|--set",),
    ),
    Pattern(
        ("userdel", "deluser"),
        "deletes a user with the home folder",
        "lock the account instead: usermod -L",
        ("-r|--remove|--remove-home|-f|--remove-all-files",),
    ),
    Pattern(
        ("passwd",), "lets a user in without a password", "lock it: passwd -l", ("-d|--delete",)
    ),
    Pattern(
        ("dpkg", "rpm"),
        "removes a package against its dependencies",
        "let the package manager resolve it",
        ("--force-all|--force-remove-reinstreq|--nodeps",),
    ),
    Pattern(
        ("apt-get purge", "apt purge", "apt-get remove", "apt remove", "yum remove", "dnf remove"),
        "removes packages, and what depends on them, without asking",
        "look at the list first (--simulate, --assumeno)",
        ("-y|--yes|--assume-yes|--assumeyes",),
        ("-s|--simulate|--dry-run",),
    ),
    Pattern(
        ("apt-get autoremove", "apt autoremove"),
        "removes packages that something may still use, without asking",
        "look at the list first (--simulate)",
        ("-y|--yes|--assume-yes",),
        ("-s|--simulate|--dry-run",),
    ),
    Pattern(
        ("fsck", "e2fsck", "xfs_repair"),
        "repairs a file system without asking, which destroys a mounted one",
        "unmount it first, and look with -n",
        ("-y|-p|-L",),
    ),
)


def by_pattern(command: Command, script: Script) -> Iterator[Danger]:
    """What the table says, and `mkfs.ext4` and its like."""
    yield from matched(command, PATTERNS)
    if command.name.startswith("mkfs."):
        yield danger_of(command, "destroys what is on the disk", _BACKUP)


def job_tables(command: Command, script: Script) -> Iterator[Danger]:
    """`… | crontab -` where what it reads does not begin with the table that there was."""
    if command.name == "crontab" and command.own_options.rest and "crontab -l" not in script.code:
        what = "replaces the whole table of jobs"
        yield danger_of(
            command, what, "{ crontab -l; echo …; } | crontab -, or a file in /etc/cron.d"
        )


def devices(command: Command, script: Script) -> Iterator[Danger]:
    """`dd of=`, `>`, `cp` and `tee` onto a disk; the kernel's switches in /proc."""
    for target in _written(command, script):
        if is_device(target) or (target.startswith("of=") and is_device(target[3:])):
            yield danger_of(command, f"overwrites a disk: {target.removeprefix('of=')}", _BACKUP)
        elif target in ("/proc/sysrq-trigger", "/proc/sys/kernel/panic"):
            yield danger_of(
                command, "stops or restarts the machine at once", "use systemctl reboot"
            )
    if command.name == "dd":
        yield from _unknown_output(command, script)


def _written(command: Command, script: Script) -> Iterator[str]:
    for redirect in command.redirects:
        if redirect.writes and redirect.target:
            yield script.variables.resolved(redirect.target)
    if command.name in ("dd", "tee"):
        yield from (script.variables.resolved(word) for word in command.arguments)
    elif command.name in ("cp", "mv") and command.arguments:
        yield script.variables.resolved(command.arguments[-1])


def _unknown_output(command: Command, script: Script) -> Iterator[Danger]:
    for word in command.arguments:
        value = script.variables.resolved(word)
        if value.startswith("of=/dev/$") or re.match(
            r"of=\$\{?(\w*(DISK|DEV|disk|dev)\w*|\d)\b", value
        ):
            yield danger_of(command, f"overwrites a disk that a variable names: {value}", _BACKUP)


def rights(command: Command, script: Script) -> Iterator[Danger]:
    """`chmod 777`, and `chmod -R`, `chown -R` of what is not one's own to change."""
    if command.name not in ("chmod", "chown", "chgrp", "setfacl"):
        return
    options = command.own_options
    is_recursive = options.has("R", "--recursive")
    mode, *targets = options.rest or (None,)
    if mode is not None and command.name == "chmod" and _is_open(mode.value):
        what = "lets every user of the machine change it"
        yield danger_of(command, what, "give it to the owner or a group: 750, 640")
    for target in targets if is_recursive else ():
        value = script.variables.resolved(target) if target else ""
        if is_system_folder(value) or (
            is_data_folder(value) and value.startswith(("/etc", "/usr"))
        ):
            what = f"changes rights or owners of all below {value}"
            yield danger_of(
                command, what, "name the one folder; programs and logins depend on these"
            )
        elif target and target.leading and script.variables.may_be_empty(target.leading):
            what = f"changes rights or owners of all below what ${target.leading.name} names"
            yield danger_of(command, what, f'stop when it is empty: "${{{target.leading.name}:?}}"')


def _is_open(mode: str) -> bool:
    """Whether others may write: 777, 666, a+w, o+rwx; the sticky bit of /tmp keeps it harmless."""
    if re.fullmatch(r"[0246]?[0-7][0-7][2367]", mode):
        return True
    return any(re.fullmatch(r"\w*[ao]\w*[+=]\w*w\w*|\+\w*w\w*", part) for part in mode.split(","))


RULES: tuple[Rule, ...] = (by_pattern, job_tables, devices, rights)
