"""A real `systemd --user` with a journal of its own, in namespaces where it disturbs nobody.

It needs root, because it mounts: a cgroup tree and a /run that only it sees. Where it cannot be
had, the tests that want it are skipped and say why.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.services.systemd import SystemdControl

_MAY_NOT_MOUNT = 77
_SYSTEMD = "/lib/systemd/systemd"
_JOURNALD = "/lib/systemd/systemd-journald"
# The journal tells a user's units by their cgroup, so the manager has to be where logind puts it,
# below slices.
_START = """
set -eu
folder=$1
base=/sys/fs/cgroup/$2
# Private first: nothing that follows may be seen outside.
mount --make-rprivate / && mount -t tmpfs none /run && umount -l /sys/fs/cgroup \\
  && mount -t cgroup2 none /sys/fs/cgroup && mkdir "$base" || exit 77
mkdir -p /run/systemd/system /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\n' > /run/systemd/journald.conf.d/test.conf
mount --bind "$folder/journal" /run/log/journal
manager=$base/user.slice/user-0.slice/user@0.service
mkdir -p "$base/journald" "$manager"
echo $$ > "$base/journald/cgroup.procs"
%(journald)s & echo $! > "$folder/journald.pid"
while [ ! -S /run/systemd/journal/stdout ]; do sleep 0.02; done
echo $$ > "$manager/cgroup.procs"
# systemd moves all that shares its group: it must be this one, which is new, and no other.
grep -q "^0::.*/$2/user.slice/user-0.slice/user@0.service$" /proc/self/cgroup || exit 3
exec %(systemd)s --user
"""


@dataclass(frozen=True)
class OwnSystemd:
    """A running manager: its control, and the folder of its units."""

    control: SystemdControl
    units: Path


def missing_part() -> str:
    """Why there can be no such systemd here; empty when there can."""
    if os.geteuid() != 0:
        return "only root can mount what a systemd of its own needs"
    for program in ("unshare", "systemctl", "journalctl", _SYSTEMD, _JOURNALD):
        if shutil.which(program) is None:
            return f"there is no {program}"
    return ""


@contextmanager
def own_systemd(units: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnSystemd]:
    """A manager with `units` (name: text), which `systemctl --user` finds."""
    with tempfile.TemporaryDirectory(prefix="mw-", dir="/tmp") as name:
        folder = Path(name)
        unit_folder = folder / "home" / ".config" / "systemd" / "user"
        for path in (unit_folder, folder / "journal"):
            path.mkdir(parents=True)
        (folder / "run").mkdir(mode=0o700)
        for unit, text in units.items():
            (unit_folder / unit).write_text(text)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
        journalctl = folder / "journalctl"
        journalctl.write_text(f'#!/bin/sh\nexec journalctl --directory={folder}/journal "$@"\n')
        journalctl.chmod(0o700)
        process = _started(folder)
        control = SystemdControl(is_user=True, journal_program=str(journalctl))
        try:
            _await(folder, process)
            yield OwnSystemd(control, unit_folder)
        finally:
            _end(folder, process)


def _started(folder: Path) -> subprocess.Popen[bytes]:
    script = folder / "start.sh"
    script.write_text(_START % {"systemd": _SYSTEMD, "journald": _JOURNALD})
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CONFIG_HOME"}
    with (folder / "systemd.log").open("wb") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "sh", str(script), str(folder), _slice(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def _slice(folder: Path) -> str:
    return f"{folder.name}.slice"


def _await(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 15
    while not (folder / "run" / "systemd" / "private").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = (folder / "systemd.log").read_text(errors="replace")[-500:]
            # unshare's own failure is 1.
            if process.returncode in (1, _MAY_NOT_MOUNT):
                pytest.skip(f"nothing can be mounted here: {said}")
            pytest.fail(f"systemd did not start: {said}")
        time.sleep(0.05)


def _end(folder: Path, process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int((folder / "journald.pid").read_text()), signal.SIGTERM)
    process.kill()
    process.wait(15)
    _remove_cgroups(_slice(folder))


def _remove_cgroups(name: str) -> None:
    """The empty groups that are left; they are found where this machine shows its own tree."""
    for root in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        top = root / name
        deadline = time.monotonic() + 5
        while top.exists() and time.monotonic() < deadline:
            for group in sorted(top.rglob("*/"), reverse=True):
                with suppress(OSError):
                    group.rmdir()
            with suppress(OSError):
                top.rmdir()
            time.sleep(0.02)
