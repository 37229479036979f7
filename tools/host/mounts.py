"""What is mounted where, as far as it has room to run out of.

Only local file systems that hold files are listed: a network file system whose server is gone
blocks whoever asks about it, for ever. Format: proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.host.host import Host

_NETWORK = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"),
        *("beegfs", "gpfs", "ocfs2", "gfs2", "davfs", "afpfs"),
    )
)
# They have no room of their own, or are full by nature.
_WITHOUT_ROOM = frozenset(
    (
        *("proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "devfs", "securityfs"),
        *("debugfs", "tracefs", "configfs", "pstore", "bpf", "mqueue", "hugetlbfs", "fusectl"),
        *("binfmt_misc", "rpc_pipefs", "nsfs", "ramfs", "efivarfs", "selinuxfs", "rootfs"),
        *("autofs", "squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"),
    )
)
# What a container is shown of its host's disks besides its own volumes.
_SHOWN_FILES = frozenset(("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"))
_KERNELS_OWN = ("/proc/", "/sys/")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system at `point`. `options` are the mount's own, `super_options` the file system's.

    They differ when the kernel made a file system read-only after an error.
    """

    point: str
    device: str
    kind: str
    options: frozenset[str] = frozenset()
    super_options: frozenset[str] = frozenset()

    @property
    def is_on_network(self) -> bool:
        """Whether asking about it may wait for another machine, or for a program of any kind."""
        return self.kind in _NETWORK or self.kind.startswith("fuse.")

    @property
    def holds_files(self) -> bool:
        """Whether it has room of its own.

        An overlay is a container's root; other containers' have the room of the disk below them.
        """
        if self.kind in _WITHOUT_ROOM or (self.kind == "overlay" and self.point != "/"):
            return False
        return self.point not in _SHOWN_FILES and not self.point.startswith(_KERNELS_OWN)


def mounts_of(host: Host) -> list[Mount]:
    """The mounts that hold files, each file system once (a bind mount shows it again)."""
    lines = host.files.lines("proc/self/mountinfo")
    mounts = list(_parse(lines)) if lines else _from_system(host)
    by_place = {mount.point: mount for mount in mounts if mount.holds_files}
    first: dict[tuple[str, str], Mount] = {}
    for mount in sorted(by_place.values(), key=lambda mount: len(mount.point)):
        is_own = mount.device.startswith("/") or mount.is_on_network
        first.setdefault((mount.device if is_own else mount.point, mount.kind), mount)
    return list(first.values())


def _parse(lines: Sequence[str]) -> Iterator[Mount]:
    for line in lines:
        before, _, after = line.partition(" - ")
        places, kinds = before.split(), after.split()
        if len(places) < 6 or len(kinds) < 3:
            continue
        yield Mount(
            point=_unescaped(places[4]),
            device=_unescaped(kinds[1]),
            kind=kinds[0],
            options=frozenset(places[5].split(",")),
            super_options=frozenset(kinds[2].split(",")),
        )


def _unescaped(text: str) -> str:
    """The kernel writes blanks and backslashes in octal."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _from_system(host: Host) -> list[Mount]:
    return [Mount(point, device, kind) for point, device, kind in host.system.mount_points()]
