from __future__ import annotations

from pathlib import Path

import pytest

from tools.services.own_containers import own_container_ids

ID = "5ba62a49bc3cd188af0d91dfe02d8d6164e203e67b55ada2b3fe60a2d27d883c"
INNER = "f8e076edce6dee323c6968004655d51282ada9d38c158852b905b8d432c48ee2"
# As a kernel showed them in a container of docker 20.10, and in one of podman.
GROUPS_1 = f"9:name=systemd:/docker/{ID}\n8:pids:/docker/{ID}\n0::/docker/{ID}\n"
GROUPS_2 = f"0::/system.slice/docker-{ID}.scope\n"
MOUNTS = f"""\
99 80 0:60 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/{INNER}
116 99 254:0 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw
117 99 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda rw
118 99 254:0 /var/lib/docker/volumes/{INNER}/_data /data rw - ext4 /dev/vda rw
"""
PODMAN = f"""\
117 99 0:2 /containers/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw
"""
BARE = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("cgroup", "mountinfo", "ids"),
    [
        (GROUPS_1, BARE, {ID}),
        (GROUPS_2, BARE, {ID}),
        ("0::/\n", MOUNTS, {ID}),
        ("0::/\n", PODMAN, {ID}),
        (f"0::/docker/{ID}/docker/{INNER}\n", BARE, {ID, INNER}),
        ("0::/user.slice/session-1.scope\n", BARE, set()),
        (f"0::/x-{ID}0\n", BARE, set()),
        ("", "broken\n\n", set()),
    ],
)
def test_the_containers_around_a_process(
    tmp_path: Path, cgroup: str, mountinfo: str, ids: set[str]
) -> None:
    (tmp_path / "cgroup").write_text(cgroup)
    (tmp_path / "mountinfo").write_text(mountinfo)
    assert own_container_ids(tmp_path) == ids


def test_a_system_without_these_files_has_no_containers(tmp_path: Path) -> None:
    assert own_container_ids(tmp_path) == frozenset()
