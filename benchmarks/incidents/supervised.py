"""supervisord on an incident's machine, and its `supervisorctl`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.incidents.machine import PYTHON
from benchmarks.incidents.scene import Scene

_CONFIGURATION = "/etc/supervisor/supervisord.conf"
_HEAD = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=/srv/supervisord.pid
user=root

[unix_http_server]
file=/srv/supervisor.sock

[supervisorctl]
serverurl=unix:///srv/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A service under supervisord; `options` are lines of its section."""

    name: str
    command: str
    user: str = "www-data"
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def section(self) -> str:
        """Its part of supervisord.conf."""
        environment = ",".join(f'{key}="{value}"' for key, value in self.environment.items())
        lines = (
            f"[program:{self.name}]",
            f"command={self.command}",
            f"user={self.user}",
            f"directory=/srv/{self.name}",
            f"environment={environment}",
            "redirect_stderr=true",
            f"stdout_logfile=/var/log/{self.name}.log",
            "stdout_logfile_maxbytes=0",
            *self.options,
        )
        return "\n".join(lines) + "\n"


def python_program(
    scene: Scene, file: str, name: str, *options: str, **environment: str
) -> Program:
    """The suite's own program `file` as the service `name`."""
    path = scene.install(file, name)
    return Program(
        name, f"{PYTHON} {path}", environment={"SERVICE": name, **environment}, options=options
    )


def supervise(scene: Scene, *programs: Program) -> None:
    """Start supervisord with `programs`; it writes supervisord.log."""
    write_configuration(scene, *programs)
    for script in ("supervisord", "supervisorctl"):
        code = f'#!/bin/sh\nexec {PYTHON} -m supervisor.{script} -c {_CONFIGURATION} "$@"\n'
        scene.write(f"/opt/venv/bin/{script}", code).chmod(0o755)
    scene.start("supervisord.log", "/opt/venv/bin/supervisord", user="root")
    while not Path("/srv/supervisor.sock").exists():
        scene.wait(0.2)


def write_configuration(scene: Scene, *programs: Program) -> None:
    """Change what supervisord runs from its next `update` on."""
    for program in programs:
        scene.folder(f"/srv/{program.name}", program.user)
    sections = "\n".join(program.section() for program in programs)
    scene.write(_CONFIGURATION, f"{_HEAD}\n{sections}")
