"""`SandboxedProgram` and `Limits`: what is to run, and how much of the machine it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ProgramLanguage = Literal["bash", "python"]

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True)
class SandboxedProgram:
    """Code, and what of the machine it gets to see.

    It starts in `folder`, which it alone may write; without one, in an empty folder in memory that
    nobody sees afterwards. The folder must hold nothing that is needed elsewhere: the program may
    do with it what it likes, what is in it loses setuid bits, and when we are root it is nobody's
    meanwhile (`private_folder` makes one of copies).

    `readable` are files and folders that it may read, under their own paths. With `has_network` it
    has the host's network, and with it what listens on the host's loopback addresses and abstract
    sockets.
    """

    language: ProgramLanguage
    code: str
    folder: Path | None = None
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    readable: tuple[Path, ...] = ()
    has_network: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a program may take before it is ended, or refused more.

    `time_s` is wall time of the whole; `cpu_s` is of each process. `memory_bytes` is for all
    processes together where a control group can be made, else also for the addresses of each.
    `file_bytes` bounds one file, `folder_bytes` and `folder_entries` the folder, `scratch_bytes`
    each of /tmp and /dev/shm. Of each stream `kept_output_bytes` are kept; after `output_bytes` of
    both together the program is ended.
    """

    time_s: float = 60.0
    cpu_s: int = 60
    memory_bytes: int = 512 * _MIB
    processes: int = 64
    open_files: int = 256
    file_bytes: int = 256 * _MIB
    folder_bytes: int = 1024 * _MIB
    folder_entries: int = 50_000
    scratch_bytes: int = 128 * _MIB
    kept_output_bytes: int = 256 * _KIB
    output_bytes: int = 16 * _MIB
