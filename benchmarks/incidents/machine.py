"""A machine of its own for one recording: Linux namespaces, and empty places to write to.

Inside, the host name, the processes, the network and folders like /srv, /var/log and /etc/nginx are
the recording's alone, so that programs run under their usual names, ports and paths, and leave
nothing behind but such folders, empty. Needs root. The incident's own programs are not known here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIBRARIES = "MIDWATCH_INCIDENT_LIBRARIES"
SITE_PACKAGES = Path("/opt/venv/lib/python3.11/site-packages")
# The services' own Python: tracebacks name the paths that they would have anywhere.
PYTHON = "/opt/venv/bin/python"
LOGS = Path("/var/log")

_EMPTY = (
    *("/srv", "/opt", "/var/log", "/var/lib/postgresql", "/run/postgresql", "/var/lib/nginx"),
    *("/etc/nginx", "/etc/redis", "/etc/haproxy", "/etc/supervisor", "/var/lib/redis"),
)
_UNSHARE = ("unshare", "--mount", "--uts", "--net", "--ipc", "--pid", "--fork", "--kill-child")


def inside(host: str, command: list[str]) -> list[str]:
    """The command line that runs `command` on a machine of its own, called `host`."""
    return [*_UNSHARE, "--mount-proc", sys.executable, "-m", __spec__.name, host, *command]


def main() -> None:
    """Make this process's namespaces a machine, then become the command."""
    host, *command = sys.argv[1:]
    libraries = os.environ[LIBRARIES]
    _run("hostname", host)
    _run("ip", "link", "set", "lo", "up")
    # Addresses for documentation: visitors come from these.
    for network in ("203.0.113.0/24", "198.51.100.0/24"):
        _run("ip", "address", "add", network, "dev", "lo")
    for folder in _EMPTY:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "size=512m,mode=755", "tmpfs", folder)
    _run("/usr/bin/python3", "-m", "venv", "--without-pip", "/opt/venv")
    _run("mount", "--bind", libraries, str(SITE_PACKAGES))
    replace("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {host}\n")
    replace("/etc/resolv.conf", "nameserver 127.0.0.53\n")
    os.execvp(command[0], command)


def replace(path: str, text: str) -> None:
    """Let this machine read `text` at `path`, which everybody else keeps as it is."""
    cover = Path("/opt", path.strip("/").replace("/", "-"))
    cover.write_text(text)
    _run("mount", "--bind", str(cover), path)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
