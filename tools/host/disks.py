"""Disks: room in bytes and in inodes, and file systems that became read-only."""

from __future__ import annotations

from collections.abc import Iterator

from tools.host.facts import Fact, Look, Unseen, names, percent, size, used_of
from tools.host.host import Host
from tools.host.mounts import Mount, mounts_of
from tools.host.pressure import look_at_pressure
from tools.host.system import DiskSpace

_MAX_HEALTHY = 6
# What is smaller holds settings and is full on purpose.
_LEAST_BYTES = 1 << 20
# Percent used from which on it is trouble, and how suspicious that is.
_STEPS = ((99.5, 0.95), (97, 0.85), (95, 0.7), (90, 0.45))
# On these, read-only is something that happened or was chosen, not their nature.
_WRITABLE = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "zfs"))


def look_at_disks(host: Host) -> Iterator[Look]:
    """Each local file system, those that run full first; disk pressure."""
    mounts = mounts_of(host)
    measured = [(mount, _space(host, mount)) for mount in mounts if not mount.is_on_network]
    facts = [fact for mount, space in measured if space for fact in _room(mount, space)]
    yield from (fact for fact in facts if fact.is_trouble)
    yield from [fact for fact in facts if not fact.is_trouble][:_MAX_HEALTHY]
    yield from _read_only(host, mounts)
    yield from look_at_pressure(host, "io")
    remote = sorted(mount.point for mount in mounts if mount.is_on_network)
    if remote:
        yield Unseen(f"room on file systems of other machines ({names(remote, 3)})")


def _space(host: Host, mount: Mount) -> DiskSpace | None:
    space = host.system.disk_space(mount.point)
    return space if space and space.total_bytes >= _LEAST_BYTES else None


def _room(mount: Mount, space: DiskSpace) -> Iterator[Fact]:
    """Bytes as `df` counts them: without what is reserved for root."""
    usable = space.used_bytes + space.available_bytes
    used = percent(space.used_bytes, usable)
    text = (
        f"disk {mount.point} ({mount.device}, {mount.kind}): {used_of(space.used_bytes, usable)} "
        f"used ({used:.0f}%), {size(space.available_bytes)} free"
    )
    suspicion = _suspicion(used)
    note = "no room for ordinary users" if not space.available_bytes else f"{used:.1f}% full"
    yield Fact("disk", text, note if suspicion else "", suspicion)
    yield from _inodes(mount, space)


def _inodes(mount: Mount, space: DiskSpace) -> Iterator[Fact]:
    """Only when they run out: nobody asks for them otherwise. Some file systems have no limit."""
    used = space.num_inodes - space.num_free_inodes
    share = percent(used, space.num_inodes)
    suspicion = _suspicion(share)
    if suspicion:
        text = f"disk {mount.point} ({mount.device}): {used} of {space.num_inodes} inodes used"
        note = f"{share:.1f}% of the inodes: no more files can be made when they are gone"
        yield Fact("inodes", text, note, suspicion)


def _suspicion(used_percent: float) -> float:
    return next((suspicion for least, suspicion in _STEPS if used_percent >= least), 0.0)


def _read_only(host: Host, mounts: list[Mount]) -> Iterator[Fact]:
    meant = _meant_read_only(host)
    for mount in mounts:
        text = f"disk {mount.point} ({mount.device}, {mount.kind}): read-only"
        if mount.kind not in _WRITABLE or "ro" not in mount.options | mount.super_options:
            continue
        if "ro" not in mount.options:
            note = "mounted for writing; the kernel made it read-only, as it does after an error"
            yield Fact("disk", text, note, 0.95)
        elif meant.get(mount.point) is False:
            yield Fact("disk", text, "/etc/fstab wants it writable", 0.75)


def _meant_read_only(host: Host) -> dict[str, bool]:
    """Whether /etc/fstab wants each mount point read-only."""
    rows = [line.split() for line in host.files.lines("etc/fstab") if not line.startswith("#")]
    return {row[1]: "ro" in row[3].split(",") for row in rows if len(row) >= 4}
